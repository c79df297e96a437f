"""What each AWS operation does: a package a service, and beside them what several of them share."""
