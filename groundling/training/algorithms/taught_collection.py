"""Rollouts with a teacher beside the agent: its labels are kept, and a share of its actions is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.interfaces import Teacher
from groundling.training.collector import Collector
from groundling.training.recorders import Column, Recorder
from groundling.training.rollout import Rollout

NO_LABEL = -1  # where a teacher knew no action
LABEL = "label"
TAUGHT = "taught action"


class TeacherLabels(Recorder):
    """Notes a teacher's actions, ``"taught action"`` [T, B] int64, and ``"label"``, the same with ``NO_LABEL`` where it
    knew none.

    Args:
        teacher: labels every state with the action that is right there.

    Attributes:
        actions: [B] of the present states, for whoever acts on them; on the host.
    """

    name = "teacher"

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher
        self.columns = {name: Column((), torch.int64, is_sent=True) for name in (LABEL, TAUGHT)}
        self.actions = torch.zeros(0, dtype=torch.int64)

    def before_step(self, rollout: Rollout, step: int) -> None:
        """See :class:`Recorder`."""
        columns = rollout.on_host.columns
        self.actions = torch.from_numpy(self.teacher.actions()).clone()
        columns[TAUGHT][step] = self.actions
        columns[LABEL][step] = self.actions.masked_fill(torch.from_numpy(self.teacher.lost), NO_LABEL)

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Recorder`."""
        return {name: torch.as_tensor(array) for name, array in self.teacher.state_dict().items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Recorder`."""
        self.teacher.load_state_dict({name: tensor.numpy() for name, tensor in saved.items()})


class TaughtCollector(Collector):
    """Plays an agent and its teacher.

    Attributes:
        labels: asks the teacher.
        teacher_share: how often the teacher's action is taken instead of the agent's. At 1 the agent is not even asked:
            the memory's state is then the one that the update leaves in ``rollout.final_state``.
        handover: above 0, the teacher acts from one step of an episode to its end: from the first step in the share
            ``teacher_share`` of the episodes, in the others from a step that comes with this probability.
    """

    needs_next_values = False

    def __init__(
        self, envs: VectorEnv, *args: Any, labels: TeacherLabels, recorders: Sequence[Recorder] = (), **options: Any
    ) -> None:
        super().__init__(envs, *args, recorders=[labels, *recorders], **options)
        self.labels = labels
        self.teacher_share = 0.0
        self.handover = 0.0
        self._is_taken_over = torch.zeros(len(self.is_first), dtype=torch.bool, device=self.agent.device)

    def act(self, step: int) -> Tensor:
        """See :class:`Collector`."""
        return self.rollout.columns[TAUGHT][step] if self.teacher_share >= 1 else super().act(step)

    def on_host(self, step: int, action: Tensor) -> NDArray[np.int64]:
        """See :class:`Collector`; the teacher's actions are there already."""
        return self.labels.actions.numpy() if self.teacher_share >= 1 else super().on_host(step, action)

    def choose(self, step: int, action: Tensor) -> Tensor:
        """The teacher's actions with the probability ``teacher_share``, else the agent's."""
        taught = self.rollout.columns[TAUGHT][step]
        if self.handover > 0:
            return torch.where(self._take_over(self.rollout.is_first[step]), taught, action)
        if self.teacher_share <= 0:
            return action
        draw = torch.rand(len(action), generator=self.generator, device=action.device)
        return torch.where(draw < self.teacher_share, taught, action)

    def _take_over(self, is_first: Tensor) -> Tensor:
        """Where the teacher acts now, [B] bool, and until the episode ends; ``is_first`` [B] is where one begins."""
        start, later = torch.rand(2, len(is_first), generator=self.generator, device=is_first.device)
        taken = torch.where(is_first, start < self.teacher_share, self._is_taken_over)
        self._is_taken_over = taken | (later < self.handover)
        return self._is_taken_over

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Collector`; where the teacher has taken over, too."""
        return {**super().state_dict(), "is_taken_over": self._is_taken_over.clone()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`; earlier checkpoints have no handover."""
        super().load_state_dict(saved)
        if "is_taken_over" in saved and saved["envs"] is not None:
            self._is_taken_over = saved["is_taken_over"].to(self.agent.device)
