"""The compiled world: its arrays, dynamics, goal check, views and bodies."""
