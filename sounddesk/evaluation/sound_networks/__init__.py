"""Networks that metrics hear and see with: one module each, registered in `registry`."""
