"""`sounddesk evaluate sounds`: any number of systems' sounds for the same clips, measured side by side."""
