"""Why sends failed, for whoever reads it: what a refusal is kept with, put into causes and views."""
