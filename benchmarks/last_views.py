"""Answers from the views in which an expert gives them: a stage of training before an agent walks (questions.py).

On the way to the evidence a rover sees some thirty views for each one that an answer belongs to. So the expert alone
walks through the episodes of a bank, and the agent learns from the views in which it answers, each as if it began an
episode, and from as many others what is in them (``symbol_loss``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents import ActorCritic
from groundling.agents.encoders.symbol_head import SymbolHead
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.symbols_in_view import symbols_in_view
from groundling.envs.families.questions.expert import QuestionExpert
from groundling.envs.vector import GroundlingVectorEnv
from groundling.training.algorithms.symbol_loss import symbol_loss

BATCH = 512  # episodes that are walked through side by side
OTHERS = 0.07  # of the views on the way
LONGEST = 60  # actions: nearly all ways to evidence that is one or two of the grid's away
MINIBATCH = 64  # answers, and as many other views
SHIFT = 3  # pixels at most, of all pictures of a minibatch


@dataclass(frozen=True)
class Views:
    """Observations with what is known of them.

    Attributes:
        observation: [N, ...] by key.
        actions: [N] int64 of the expert.
        symbols: [N, rows, columns, 3] uint8, what is in them.
    """

    observation: dict[str, NDArray[Any]]
    actions: NDArray[np.int64]
    symbols: NDArray[np.uint8]

    def minibatches(self, rng: np.random.Generator) -> Iterator[Views]:
        """Random ones without end; half of them mirrored, all moved a little: no question is about left and right."""
        while True:
            order = rng.permutation(len(self.actions))
            for start in range(0, len(order) - MINIBATCH + 1, MINIBATCH):
                rows = order[start : start + MINIBATCH]
                part = {key: array[rows] for key, array in self.observation.items()}
                down, right = (int(pixels) for pixels in rng.integers(2 * SHIFT + 1, size=2))
                edges = (0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)
                height, width = part["image"].shape[1:3]
                image = np.pad(part["image"], edges, mode="edge")[:, down : down + height, right : right + width]
                direction = 1 if rng.random() < 0.5 else -1
                part["image"] = image[:, :, ::direction].copy()
                yield Views(part, self.actions[rows], self.symbols[rows][:, :, ::direction].copy())

    @classmethod
    def joined(cls, parts: list[Views]) -> Views:
        """All of them."""
        return cls(
            {key: np.concatenate([part.observation[key] for part in parts]) for key in parts[0].observation},
            np.concatenate([part.actions for part in parts]),
            np.concatenate([part.symbols for part in parts]),
        )


def gather(bank: EpisodeBank, embodiment: Embodiment, keys: tuple[str, ...], grid: tuple[int, int]) -> list[Views]:
    """The views of a bank in which the expert answers, and others on its ways.

    Args:
        bank: of questions.
        embodiment: a rover.
        keys: of the observation that are kept.
        grid: rows and columns of the symbols.
    """
    rng = np.random.default_rng(0)
    answers: list[Views] = []
    others: list[Views] = []
    for start in range(0, len(bank), BATCH):
        part = bank.take(slice(start, start + BATCH))
        envs = GroundlingVectorEnv(part, len(part), shuffle=False, embodiment=embodiment, autoreset=False)
        assert isinstance(envs.worlds, RoverBatch)
        is_answer = np.array([name.startswith("answer") for name in envs.agent_spec.actions])
        observation, _ = envs.reset()
        expert = QuestionExpert(envs.worlds)
        is_open = np.ones(len(part), dtype=np.bool_)
        for _ in range(LONGEST):
            actions = expert.actions().copy()
            answers_now = is_answer[actions] & is_open
            on_the_way = is_open & ~answers_now & ~expert.lost & (rng.random(len(part)) < OTHERS)
            for kept, chosen in ((answers, answers_now), (others, on_the_way)):
                if chosen.any():
                    seen = {key: observation[key][chosen].copy() for key in keys}
                    kept.append(Views(seen, actions[chosen], symbols_in_view(envs.worlds, grid)[chosen]))
            is_open &= ~answers_now & ~expert.lost
            if not is_open.any():
                break
            observation, *_ = envs.step(actions)
        envs.close()
    found = Views.joined(answers), Views.joined(others)
    print(f"{len(found[0].actions)} views with an answer, {len(found[1].actions)} on the way", flush=True)
    return list(found)


def learn_answers(agent: ActorCritic, views: list[Views], frames: int, learning_rate: float = 1e-3) -> None:
    """Train on the views of :func:`gather`, half of the frames of each, by Adam with a rate that falls to zero."""
    assert isinstance(agent.encoder.symbol_head, SymbolHead)
    rng = np.random.default_rng(0)
    optimizer = torch.optim.Adam(agent.parameters(), lr=learning_rate, eps=1e-5)
    total = frames // (2 * MINIBATCH)
    with_answer, others = (part.minibatches(rng) for part in views)
    first = torch.ones(1, MINIBATCH, dtype=torch.bool)
    kept: list[tuple[float, float]] = []
    for step in range(total):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (1 - step / total)
        asked, passed = next(with_answer), next(others)
        given: list[Tensor] = []
        with agent.encoder.symbol_head.noting(given):
            decision = agent(agent.prepare(asked.observation), agent.initial_state(MINIBATCH), first)
            agent.features(agent.prepare(passed.observation))
        label = torch.as_tensor(asked.actions)
        answer_loss = functional.cross_entropy(decision.logits[0], label)
        loss = answer_loss + sum(
            symbol_loss(logits, torch.as_tensor(part.symbols))
            for logits, part in zip(given, (asked, passed), strict=True)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        optimizer.step()
        kept.append((float(loss.detach()), float((decision.logits[0].argmax(dim=-1) == label).float().mean())))
        if step % 200 == 199:
            means = np.mean(kept[-200:], axis=0)
            print(f"{2 * MINIBATCH * (step + 1)} frames: loss {means[0]:.3f}, answers {means[1]:.3f}", flush=True)
