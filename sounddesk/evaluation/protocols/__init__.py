"""Data sets that systems are compared on, read as their authors published them."""
