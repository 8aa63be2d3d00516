"""Whether the sound of a whole picture follows its texture (the paper's figure 6)."""
