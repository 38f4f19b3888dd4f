"""One world with a manual behind Gymnasium's ``Env``; the classes of the games say which."""

from __future__ import annotations

from typing import Any

from groundling.envs.games.single import GameEnv


class ManualEnv(GameEnv):
    """The only one of a batch of one; the sentences of the manual are at :attr:`manual` and in ``info["manual_text"]``.

    See :class:`GameEnv`.
    """

    @property
    def manual(self) -> tuple[str, ...]:
        """The sentences of the manual."""
        return self.envs.batch.manual(0)

    def _info(self) -> dict[str, Any]:
        """The instruction and the manual."""
        return {**super()._info(), "manual_text": self.manual}
