"""Parts of a minibatch on several threads: each has a replica of what learns, and their gradients are added up."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.dropout import SavedDropout
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss

SEEDS_APART: Final = 2**40  # between the dropout of two replicas: more than a run has gradient steps


@dataclass(frozen=True)
class Learner:
    """What the loss of a minibatch is computed with.

    Attributes:
        agent: decides.
        auxiliary: losses of what it learns beside acting.
        head: that only the loss uses, if there is one.
    """

    agent: ActorCritic
    auxiliary: list[AuxiliaryLoss] = field(default_factory=list)
    head: Any = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        """A context in which the agent decides on frames that the auxiliary losses are then computed of."""
        with ExitStack() as stack:
            for loss in self.auxiliary:
                stack.enter_context(loss.noting())
            yield

    @property
    def modules(self) -> list[nn.Module]:
        """The agent, and the head where there is one."""
        return [self.agent, *([] if self.head is None else [self.head])]


# The loss of a part, with the share of the minibatch that it is, and numbers to be logged: means over the part.
PartLoss = Callable[..., tuple[Tensor, Tensor]]


class Replicas:
    """Computes the gradient of a minibatch part by part, on as many threads at the same time.

    A replica has the same parameters in memory and gradients of its own, so that no thread waits for another and the
    sum does not depend on which one is faster. The update is that of the whole minibatch up to rounding. PyTorch lets
    other threads run Python while it computes.

    Args:
        learner: the one that is trained.
        count: of parts; with 1 nothing is copied, and the update is that of the learner alone, bit by bit.
    """

    def __init__(self, learner: Learner, count: int) -> None:
        self.learners = [learner, *(copy.deepcopy(learner) for _ in range(count - 1))]
        self._pool = ThreadPoolExecutor(count - 1, "groundling-update") if count > 1 else None

    def link(self) -> None:
        """Have the replicas use the learner's parameters; to be called before an update, in which no one replaces
        them.
        """
        first, *others = self.learners
        for number, other in enumerate(others, start=1):
            for ours, theirs in zip(first.modules, other.modules, strict=True):
                theirs.train(ours.training)
                for parameter, own in zip(ours.parameters(), theirs.parameters(), strict=True):
                    own.data = parameter.data
                for buffer, own_buffer in zip(ours.buffers(), theirs.buffers(), strict=True):
                    own_buffer.copy_(buffer)
                for module in theirs.modules():
                    if isinstance(module, SavedDropout):
                        module.seed += number * SEEDS_APART

    def backward(self, loss_of: PartLoss, arrays: Sequence[Tensor]) -> Tensor:
        """Add the gradient of a minibatch to those of the learner.

        Args:
            loss_of: called as ``loss_of(learner, share, *parts)``: the loss [] of a part and numbers [K] to be logged.
            arrays: of the minibatch, which are split along their last axis, which is as long for all.

        Returns:
            the numbers [K] of the whole minibatch.
        """
        if self._pool is None:
            loss, noted = loss_of(self.learners[0], 1.0, *arrays)
            loss.backward()
            return noted
        parts = list(zip(*(array.tensor_split(len(self.learners), dim=-1) for array in arrays), strict=True))
        whole = arrays[0].shape[-1]
        tasks = [
            (learner, part[0].shape[-1] / whole, part)
            for learner, part in zip(self.learners, parts, strict=True)
            if part[0].shape[-1]
        ]
        others: list[Future[Tensor]] = [self._pool.submit(_backward, loss_of, *task) for task in tasks[1:]]
        try:
            noted = _backward(loss_of, *tasks[0])
        finally:
            for other in others:
                other.exception()  # none of them works on when this is left
        for (learner, _, _), other in zip(tasks[1:], others, strict=True):
            noted = noted + other.result()
            self._add(learner)
        return noted

    def _add(self, other: Learner) -> None:
        """Add the gradients of a replica to the learner's, and forget them there."""
        with torch.no_grad():
            for ours, theirs in zip(self.learners[0].modules, other.modules, strict=True):
                for parameter, own in zip(ours.parameters(), theirs.parameters(), strict=True):
                    if own.grad is not None:
                        parameter.grad = own.grad if parameter.grad is None else parameter.grad.add_(own.grad)
                        own.grad = None


def _backward(loss_of: PartLoss, learner: Learner, share: float, part: Sequence[Tensor]) -> Tensor:
    """Take the gradient of a part; returns its numbers, both counted by its share."""
    loss, noted = loss_of(learner, share, *part)
    (share * loss).backward()
    return share * noted
