"""Set-ups that people report as not working, each with what a reader must be told and what makes it work."""
