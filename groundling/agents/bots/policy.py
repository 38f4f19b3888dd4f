"""A teacher as a policy, to be evaluated and watched like an agent."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.interfaces import Observation, Teacher


class TeacherPolicy:
    """Does what a teacher says in the environments that the teacher knows.

    Args:
        teacher: of the B environments that are played.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher

    def initial_state(self, num_envs: int) -> Tensor:
        """[B, 1]: which environment each row is; the teacher answers for all of them."""
        return torch.arange(num_envs, dtype=torch.float64).unsqueeze(1)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The teacher's actions for these rows (``greedy`` makes no difference)."""
        rows = state[:, 0].numpy().astype(np.int64)
        return np.array(self._teacher.actions()[rows], dtype=np.int64), state

    def inference_cache(self) -> AbstractContextManager[None]:
        """Nothing to keep."""
        return nullcontext()
