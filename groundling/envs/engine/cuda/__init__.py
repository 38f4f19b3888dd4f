"""The grid's worlds on a GPU: the engine's own scalar functions, one thread an environment."""
