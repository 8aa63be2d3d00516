"""One strip per object, and the master."""
