"""What `sounddesk evaluate` can measure: one module each, light to import."""
