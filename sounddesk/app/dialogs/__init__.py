"""Dialogs and pages around the work."""
