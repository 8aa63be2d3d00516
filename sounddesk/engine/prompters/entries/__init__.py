"""The prompters that run on installed models, a module each."""
