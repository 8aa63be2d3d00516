"""Click, box or scribble to mask, behind one protocol."""
