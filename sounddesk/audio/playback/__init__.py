"""Playing a timeline on the sound server, and the levels of what is heard."""
