"""What the operations of STS do."""
