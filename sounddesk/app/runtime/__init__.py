"""The process around the window: crash reports, garbage collection, imports and thread priorities."""
