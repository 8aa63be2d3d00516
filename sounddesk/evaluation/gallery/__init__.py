"""The gallery: what fails, to look at and to listen to."""
