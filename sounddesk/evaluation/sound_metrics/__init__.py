"""Metrics of `sounddesk evaluate sounds`: one module each, registered in `registry`."""
