"""Training of the audio-visual matching model on pairs of pictures and sounds."""
