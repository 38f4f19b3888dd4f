"""Worlds whose rules change from episode to episode and stand only in a text that the agent is given, the manual."""
