"""Pairs of trajectories of an agent, each pair in one episode, and a simulated person who compares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.engine.outcomes import require_successes
from groundling.envs.families.banked import BankEpisodes, BankFamily
from groundling.envs.texts import texts_of
from groundling.errors import ConfigurationError
from groundling.interfaces import TOKENS, Spec
from groundling.seeding import integer
from groundling.training.checkpoint import Checkpoint
from groundling.training.checks import require, require_shares
from groundling.training.preferences.comparisons import EQUAL, FIRST, SECOND, UNLABELLED, Comparisons
from groundling.training.tasks import evaluation_options, families

SUITE: Final = "layout"
MOST_ENVS: Final = 256


@dataclass
class Trajectory:
    """What an agent saw and did in one episode, from its first step on.

    Attributes:
        text: the instruction.
        observations: of each step, [...] by key.
        actions: of each step.
        episode_return: sum of rewards of these steps.
        success: whether the goal was reached within them.
    """

    text: str
    observations: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    episode_return: float = 0.0
    success: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody who compares trajectories by what the environment paid for them.

    P(first is preferred) = sigmoid((return_1 - return_2) / temperature)

    then the answer is turned round with probability ``noise``. Of two equal returns neither is preferred.

    Attributes:
        noise: how often the answer is turned round.
        temperature: of a difference of returns; near 0 the better one is always seen.

    Source: the stochastic and the mistaken teacher of Lee et al. 2021, "B-Pref", arXiv:2111.03026.
    """

    noise: float = 0.1
    temperature: float = 0.1

    def __post_init__(self) -> None:
        require_shares(self, "noise")
        require(self.temperature > 0, f"temperature must be above 0, got {self.temperature}")

    def compare(self, comparisons: Comparisons, seed: int) -> Comparisons:
        """The pairs with this person's labels."""
        generator = np.random.default_rng(seed)
        gap = comparisons.returns[:, 0] - comparisons.returns[:, 1]
        first = generator.random(len(gap)) < 1 / (1 + np.exp(-np.clip(gap / self.temperature, -50, 50)))
        first ^= generator.random(len(gap)) < self.noise
        label = np.where(gap == 0, EQUAL, np.where(first, FIRST, SECOND))
        return comparisons.with_labels(label, f"simulated, noise {self.noise:g}, temperature {self.temperature:g}")


def pair_episodes(checkpoint: Checkpoint, count: int, seed: int) -> tuple[list[BankEpisodes], Spec]:
    """The episodes in which pairs are played, of each task of a run its share.

    They are of unseen layouts with instructions of training, and others than those of evaluations.

    Raises:
        ConfigurationError: if there are to be none, or the episodes of a task stand in no bank.
    """
    require(count >= 1, f"episodes must be at least 1, got {count}")
    config = checkpoint.config
    own = families(config)
    world = evaluation_options(config, own)
    found = []
    for number, family in enumerate(own):
        if not isinstance(family, BankFamily):
            raise ConfigurationError(
                f"the episodes of {family.id} stand in no bank, so none can be played twice: compare trajectories of "
                "our own tasks"
            )
        share = len(range(number, count, len(own)))
        if share:
            named = integer(seed, "comparisons", number) % 2**31
            found.append(family.episodes(SUITE, config.held_out, share, named, world, progress=False))
    return found, checkpoint.spec


def play_pairs(
    agent: ActorCritic, episodes: list[BankEpisodes], tasks: tuple[str, ...], seed: int, most_steps: int | None = None
) -> Comparisons:
    """Play every episode twice with drawn actions; nobody has compared the pairs yet.

    Args:
        agent: what acts.
        episodes: of each task.
        tasks: their ids.
        seed: of the actions.
        most_steps: of a trajectory that are kept; None keeps all.
    """
    pairs: list[tuple[Trajectory, Trajectory]] = []
    for number, part in enumerate(episodes):
        firsts, seconds = (play(agent, part, integer(seed, "pairs", number, side), most_steps) for side in range(2))
        pairs += zip(firsts, seconds, strict=True)
    return comparisons_of(pairs, agent, tasks)


@torch.no_grad()
def play(agent: ActorCritic, episodes: BankEpisodes, seed: int, most_steps: int | None = None) -> list[Trajectory]:
    """Play every episode of a set once with drawn actions; the trajectories in the order of the episodes."""
    count = episodes.count
    batch = min(count, MOST_ENVS)
    envs = episodes.make_envs(batch)
    generator = torch.Generator(agent.device).manual_seed(seed % 2**63)
    try:
        observation, info = envs.reset(seed=episodes.reset_seed)
        keys, spec = agent.observation_keys, agent.spec
        state, is_first = agent.initial_state(batch), np.ones(batch, dtype=np.bool_)
        texts = texts_of(envs, observation, info, spec)
        playing = list(range(batch))  # which episode each environment is in: b, b + B, b + 2B, ...
        found: dict[int, Trajectory] = {row: Trajectory(texts[row]) for row in range(batch)}
        with agent.inference_cache():
            while any(number < count for number in playing):
                actions, state = agent.act(observation, state, is_first, generator=generator)
                open_rows = [
                    row
                    for row, number in enumerate(playing)
                    if number < count and (most_steps is None or len(found[number].actions) < most_steps)
                ]
                for row in open_rows:
                    own = found[playing[row]]
                    own.observations.append({key: np.array(observation[key][row]) for key in keys})
                    own.actions.append(int(actions[row]))
                observation, reward, terminated, truncated, info = envs.step(actions)
                is_first = terminated | truncated
                success = require_successes(info, is_first) if is_first.any() else is_first
                for row in open_rows:
                    own = found[playing[row]]
                    own.episode_return += float(reward[row])
                    own.success = bool(success[row] and is_first[row])
                if is_first.any():
                    texts = texts_of(envs, observation, info, spec)
                    for row in np.flatnonzero(is_first).tolist():
                        playing[row] += batch
                        if playing[row] < count:
                            found[playing[row]] = Trajectory(texts[row])
    finally:
        envs.close()
    return [found[number] for number in range(count)]


def comparisons_of(
    pairs: list[tuple[Trajectory, Trajectory]], agent: ActorCritic, tasks: tuple[str, ...]
) -> Comparisons:
    """Pairs of trajectories as arrays."""
    steps = max(len(one.actions) for pair in pairs for one in pair)
    (text_key,) = agent.spec.keys_of(TOKENS)

    def padded(rows: list[Any], like: Any) -> NDArray[Any]:
        whole = np.zeros((steps, *np.shape(like)), dtype=np.asarray(like).dtype)
        whole[: len(rows)] = rows
        return whole

    def of_key(one: Trajectory, key: str) -> NDArray[Any]:
        rows = [seen[key] for seen in one.observations]
        array = padded(rows, rows[0])
        if key == text_key:
            array[len(rows) :] = rows[0]  # an instruction is there at padded steps as well
        return array

    def stacked(value: Any) -> NDArray[Any]:
        return np.array([[value(one) for one in pair] for pair in pairs])

    example: Mapping[str, Any] = pairs[0][0].observations[0]
    return Comparisons(
        observation={key: np.array([[of_key(one, key) for one in pair] for pair in pairs]) for key in example},
        action=np.array([[padded(one.actions, np.int64(0)) for one in pair] for pair in pairs]),
        length=stacked(lambda one: len(one.actions)).astype(np.int64),
        returns=stacked(lambda one: one.episode_return).astype(np.float64),
        success=stacked(lambda one: one.success).astype(np.bool_),
        label=np.full(len(pairs), UNLABELLED),
        texts=tuple(pair[0].text for pair in pairs),
        spec=agent.spec,
        tasks=tasks,
    )
