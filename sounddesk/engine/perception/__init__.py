"""Networks that hear and see for training and evaluation: embeddings, classifiers and the matching model."""
