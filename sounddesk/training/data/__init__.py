"""Training data: recordings, pictures, prompts and scenes, encoded once and varied."""
