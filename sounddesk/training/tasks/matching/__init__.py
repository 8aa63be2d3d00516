"""The audio-visual matching model: pairs of pictures and sounds, and whether they belong together."""
