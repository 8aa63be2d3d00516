"""What leaves the project: sound files with their metadata, and projects for other programs."""
