"""Networks: encoders, grounding, denoiser, latent codec and vocoder, and how their weights are stored."""
