"""Batches in the window: a queue of `sounddesk batch` processes, and their results opened as projects."""
