"""Why a request was decided as it was."""
