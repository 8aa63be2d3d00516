"""Published text-to-sound models, a module each; a new one is a module here and its test."""
