"""Questions that an agent answers by walking through a house (embodied question answering)."""
