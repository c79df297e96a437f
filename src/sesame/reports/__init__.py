"""What comes back, read: delivery status, feedback reports, auto-replies, and bounces that are neither."""
