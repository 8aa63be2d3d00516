"""The index of the user's recordings: one SQLite file, beside which nothing of hers is ever written."""
