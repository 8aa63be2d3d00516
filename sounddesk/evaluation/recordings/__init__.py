"""Real recordings that bundles are measured against: finding them, what a bundle heard of them, embedding them."""
