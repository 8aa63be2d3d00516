"""The user's library of recordings: scanning folders, and finding the sound of an object, of words, or of another."""
