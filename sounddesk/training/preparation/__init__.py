"""Builds data sets for training from files that may be redistributed."""
