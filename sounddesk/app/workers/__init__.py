"""Work off the UI thread: one serial worker per kind of job."""
