"""The random numbers of worlds whose episodes are drawn as they begin, once more: splitmix64 on Python's integers."""

from __future__ import annotations


class Dice:
    def __init__(self, state: int) -> None:
        self.state = state

    def below(self, count: int) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        z = z ^ (z >> 31)
        return (z >> 22) * count >> 42

    def pick(self, options):
        return options[self.below(len(options))]
