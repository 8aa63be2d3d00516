"""The window: Qt widgets around one `Document`. The only package that imports Qt."""
