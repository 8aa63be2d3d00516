"""The panel of the user's own recordings, and what works behind it."""
