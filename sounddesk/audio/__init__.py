"""Sound as arrays and files: mixing, loudness, WAV, resampling. No model code."""
