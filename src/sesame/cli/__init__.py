"""The `sesame` command."""
