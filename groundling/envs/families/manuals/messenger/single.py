"""One room of Messenger behind Gymnasium's ``Env``."""

from __future__ import annotations

from groundling.envs.families.manuals.messenger.family import MessengerFamily
from groundling.envs.families.manuals.messenger.names import STAGES
from groundling.envs.families.manuals.single import ManualEnv
from groundling.errors import UnknownEnvironmentError


class MessengerEnv(ManualEnv):
    """One agent in one room; see ``MessengerVectorEnv`` for spaces, reward and endings.

    The sentences of the manual are at :attr:`manual` and in ``info["manual_text"]``.

    Args:
        level: the id, ``"groundling/Messenger-S2-v0"``.
        split: "all", "train", "seen", "unseen" or that of another suite.
        render_mode: None or "rgb_array".
        texts: folder of the original's files of sentences; empty for our own sentences.
        frames: how many steps an agent sees at once.
        max_steps: of an episode; None takes the stage's.

    Raises:
        UnknownEnvironmentError: if there is no such room.
        SplitError: if there is no such split.
        ConfigurationError: if the render mode is unknown, or max_steps or frames is out of range.
        TextFileError, LongSentenceError, MissingTextError: if the texts cannot be used; the message says why.
    """

    def __init__(
        self,
        level: str,
        *,
        split: str = "all",
        render_mode: str | None = None,
        texts: str = "",
        frames: int = 1,
        max_steps: int | None = None,
    ) -> None:
        if level not in STAGES:
            raise UnknownEnvironmentError(f"there is no room {level!r}: choose one of {', '.join(STAGES)}")
        family = MessengerFamily(STAGES[level], texts=texts, frames=frames)
        envs = family.make_vec(split, 1, 0, render_mode=render_mode, autoreset=False, max_steps=max_steps)
        super().__init__(envs, level)
