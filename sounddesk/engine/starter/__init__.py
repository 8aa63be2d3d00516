"""What only the starter bundle does; general engine code reaches it through registries alone."""
