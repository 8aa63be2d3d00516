"""Bundles: folders of model components with a manifest; opened, checked, assembled and loaded."""
