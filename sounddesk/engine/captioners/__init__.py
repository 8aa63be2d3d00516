"""Words from pictures: what a picture or an object in it sounds like, said by whatever is installed."""
