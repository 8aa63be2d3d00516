"""How far a bundle's sounds are from real recordings, stage by stage."""
