"""Groundling."""
