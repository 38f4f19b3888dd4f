"""Preferences: pairs of trajectories that somebody compared, and what is learned from them."""
