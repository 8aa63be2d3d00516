"""Headless training of every component that a bundle carries."""
