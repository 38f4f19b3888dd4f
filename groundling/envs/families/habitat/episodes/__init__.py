"""Episodes in the formats of habitat-lab: how they are drawn, written and read."""
