"""Sesame's own API (`POST /sesame/v1/OPERATION`): what AWS has no operation for."""
