"""LEARN: shaping by how well the actions so far go with a sentence."""
