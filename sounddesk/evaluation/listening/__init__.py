"""Blind listening tests: a page for people, and what their answers say."""
