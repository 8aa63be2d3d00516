"""Recordings of the user's library: reading them within bounds, cutting them into events, laying events out."""
