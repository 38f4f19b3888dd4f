"""One room of rock-paper-scissors behind Gymnasium's ``Env``."""

from __future__ import annotations

from groundling.envs.families.manuals.rock_paper_scissors.family import RockPaperScissorsFamily
from groundling.envs.families.manuals.rock_paper_scissors.names import VARIANTS
from groundling.envs.families.manuals.rtfm.names import MAX_STEPS
from groundling.envs.families.manuals.single import ManualEnv
from groundling.errors import UnknownEnvironmentError


class RockPaperScissorsEnv(ManualEnv):
    """One agent in one room; see ``RockPaperScissorsVectorEnv`` for spaces, reward and endings.

    The goal is at :attr:`instruction` and in ``info["instruction_text"]``, the sentences of the manual are at
    :attr:`manual` and in ``info["manual_text"]``.

    Args:
        level: the id, ``"groundling/RockPaperScissors-6x6-v0"``.
        split: "all", "train", "seen", "unseen" or that of another suite.
        render_mode: None or "rgb_array".
        max_steps: of an episode.

    Raises:
        UnknownEnvironmentError: if there is no such room.
        SplitError: if there is no such split.
        ConfigurationError: if the render mode is unknown, or max_steps is less than 1.
    """

    def __init__(
        self, level: str, *, split: str = "all", render_mode: str | None = None, max_steps: int = MAX_STEPS
    ) -> None:
        if level not in VARIANTS:
            raise UnknownEnvironmentError(f"there is no room {level!r}: choose one of {', '.join(VARIANTS)}")
        family = RockPaperScissorsFamily(VARIANTS[level])
        envs = family.make_vec(split, 1, 0, render_mode=render_mode, autoreset=False, max_steps=max_steps)
        super().__init__(envs, level)
