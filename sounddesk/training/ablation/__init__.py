"""The ablations of the paper in miniature."""
