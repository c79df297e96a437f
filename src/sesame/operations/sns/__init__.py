"""What the operations of SNS do."""
