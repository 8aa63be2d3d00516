"""From image and masks, or from text, to takes."""
