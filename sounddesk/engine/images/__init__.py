"""Images and masks: files, formats, filters and composed scenes."""
