"""The visual language: tokens of the theme, the style sheet made from them, icons, and what is read aloud."""
