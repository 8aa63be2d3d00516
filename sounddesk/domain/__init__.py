"""Values and rules of a scene: masks, objects, takes. Standard library and numpy only."""
