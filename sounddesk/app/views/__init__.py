"""How the window is arranged: its layouts, and what is as it was left."""
