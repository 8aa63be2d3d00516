"""The list of an object's takes, and comparing them."""
