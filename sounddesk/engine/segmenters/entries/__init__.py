"""One module per segmenter: what it can do, how it is found and how it is loaded."""
