"""The visual language: tokens of the theme, the style sheet made from them, and the icons."""
