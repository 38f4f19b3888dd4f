"""What batches of worlds with a manual have in common."""

from __future__ import annotations

from groundling.envs.games.batch import GameBatch


class ManualBatch(GameBatch):
    """B worlds with a manual: what their agents see has a part ``manual`` [B, S, L]; see :class:`GameBatch`."""

    def manual(self, row: int) -> tuple[str, ...]:
        """The sentences of an environment's manual, in their order."""
        return tuple(self.vocabulary.decode(line) for line in self.seen.manual[row] if line[0])
