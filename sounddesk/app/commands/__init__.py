"""Commands as data: what the user can do, its menu and its keys, registered once."""
