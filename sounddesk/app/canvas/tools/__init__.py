"""The tools: each module registers its own in `tool_table` and sees the canvas through `canvas_port`."""
