"""What vector environments of worlds with a manual have in common."""

from __future__ import annotations

from typing import TypeVar

from groundling.envs.families.manuals.batch import ManualBatch
from groundling.envs.games.vector import GameVectorEnv

Batch = TypeVar("Batch", bound=ManualBatch)


class ManualVectorEnv(GameVectorEnv[Batch]):
    """Many worlds with a manual at once; see :class:`GameVectorEnv`."""

    @property
    def manuals(self) -> tuple[tuple[str, ...], ...]:
        """The sentences of the manual of each environment, [B]."""
        return tuple(map(self.batch.manual, range(self.num_envs)))
