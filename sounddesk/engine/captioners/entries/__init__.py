"""The captioners that run on installed models, a module each."""
