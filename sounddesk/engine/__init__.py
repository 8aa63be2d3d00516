"""From image and masks to takes: bundles, segmenters, grounding, diffusion, vocoder."""
