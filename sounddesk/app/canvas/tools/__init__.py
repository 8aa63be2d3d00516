"""One tool a file, behind `base.Tool`."""
