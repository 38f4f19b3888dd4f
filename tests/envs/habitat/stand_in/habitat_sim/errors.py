"""As ``habitat_sim.errors``."""


class GreedyFollowerError(RuntimeError):
    """The follower found no way."""
