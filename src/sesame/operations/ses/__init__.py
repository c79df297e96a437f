"""What the operations of SES v1 do."""
