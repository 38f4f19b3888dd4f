"""Episodes sampled ahead of time: banks, how they are built, mixtures and splits."""
