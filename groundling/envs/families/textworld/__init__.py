"""TextWorld: games of text alone, whose actions are the commands that are admissible in a state."""
