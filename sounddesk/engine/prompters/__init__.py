"""Words to masks: what finds the thing that a phrase names, for a segmenter to draw."""
