"""MiniGrid's levels, BabyAI's among them: which can be compiled, and how a generated one is read into an episode."""
