"""Audio files: formats, PCM, metadata chunks and tags, and writing block by block."""
