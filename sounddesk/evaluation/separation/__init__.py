"""Separation of the sound of one object out of a mixture, for the baseline Retrieve & Separate."""
