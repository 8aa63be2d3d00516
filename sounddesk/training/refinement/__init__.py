"""Filtering of training clips in stages, after appendix B of the paper."""
