"""The training loop: optimisation, checkpoints, progress and provenance."""
