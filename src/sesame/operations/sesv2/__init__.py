"""What the operations of SES v2 do."""
