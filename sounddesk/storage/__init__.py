"""Files on disk: written atomically, locked, read back with every value checked. No audio, no Qt, no torch."""
