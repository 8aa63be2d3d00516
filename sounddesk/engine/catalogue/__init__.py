"""What can be installed: entries, downloads, conversion, and the store of installed models."""
