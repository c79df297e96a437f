"""What the operations of IAM do."""
