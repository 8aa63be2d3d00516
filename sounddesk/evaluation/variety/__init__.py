"""How different takes of one object are, and how many are copies of what was heard in training."""
