"""Fine-tuning of a bundle on clips."""
