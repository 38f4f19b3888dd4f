"""Families of environments, a folder each, listed in ``groundling.envs.catalog``; a new one derives from ``base``."""
