"""Worlds, tasks, banks, kernels and vector environments. Nothing here imports PyTorch."""
