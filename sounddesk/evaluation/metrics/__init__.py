"""Formulas of the published metrics, on arrays; the embedding models are chosen by the caller."""
