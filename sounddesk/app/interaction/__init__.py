"""A task of the user's that is counted where she asks for it: the paper's study of interaction (table 2)."""
