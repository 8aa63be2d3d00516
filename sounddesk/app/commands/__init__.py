"""Commands of the window: registry, menus and shortcuts."""
