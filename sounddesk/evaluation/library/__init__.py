"""Measures of the user's library: whether objects find their recordings, and the classifier that helps."""
