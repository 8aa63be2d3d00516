"""The open project: document, file, working copy, recovery and selection."""
