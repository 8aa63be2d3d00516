"""Training clips of one's own: videos, or images with sounds; found, read, checked, packed and encoded once."""
