"""The judge of 'right object': learned from recordings that the bundle never heard."""
