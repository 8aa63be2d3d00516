"""The figures of the bundle that ships: measured, kept in one file with what they belong to, told in documents."""
