"""Files of episodes for habitat-lab, played in Habitat: what each asks for, environments, family, expert."""
