"""Training tasks: what each network learns from and by which loss."""
