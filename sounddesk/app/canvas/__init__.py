"""The image with its masks, and the tools that draw on it."""
