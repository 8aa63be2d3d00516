"""Audio formats that can be written: an entry each, with the writer of its samples and tags."""
