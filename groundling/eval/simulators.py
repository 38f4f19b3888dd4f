"""Evaluation in foreign simulators, whose episodes stand in no bank: today ViZDoom's grounded rooms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from groundling.agents.baselines import ShuffledInstructions
from groundling.envs.simulators.doom import DOOM_IDS, GroundedDoomEnv
from groundling.envs.simulators.doom_vector import make_grounded_doom_vec
from groundling.errors import SplitError
from groundling.eval.evaluation import Evaluation, play
from groundling.eval.stages import DoomStage
from groundling.interfaces import Policy
from groundling.language.grounded import (
    GROUNDED_VOCABULARY,
    INSTRUCTION_LENGTH,
    INSTRUCTIONS,
    STRATA,
    TEST,
    TRAIN,
    parse_grounded,
)
from groundling.seeding import integer
from groundling.training.config import TrainConfig
from groundling.training.environments import doom_camera

TOLD = {"layout": TRAIN, "zero_shot": TEST, **{str(stratum): indices for stratum, indices in STRATA.items()}}
NUM_ENGINES = 8


def evaluate_in_simulator(
    config: TrainConfig,
    policies: dict[str, Policy],
    suites: Sequence[str],
    *,
    episodes: int = 1000,
    greedy: bool = False,
    seed: int = 0,
) -> Iterator[tuple[str, str, Evaluation]]:
    """Evaluate each policy by each suite, and the "trained" one told another goal: (suite, agent, result).

    All policies play the same episodes, drawn from another stream than those of training.

    Raises:
        SplitError: if the simulator has no such suite.
        MissingSimulatorError: if the simulator is not installed.
    """
    _check_suites(config, suites)
    for suite in suites:
        texts = [INSTRUCTIONS[index] for index in TOLD[suite]]
        tokens = np.stack([GROUNDED_VOCABULARY.encode(text, length=INSTRUCTION_LENGTH) for text in texts])
        goals = [parse_grounded(text) for text in texts]
        stream = integer(seed, "shuffle", suite)
        shuffled = ShuffledInstructions(policies["trained"], tokens, goals, np.arange(len(texts)), stream)
        count = min(NUM_ENGINES, episodes)
        envs = make_grounded_doom_vec(DOOM_IDS[config.task], count, instructions=TOLD[suite], **doom_camera(config))
        try:
            for name, policy in {**policies, "shuffled": shuffled}.items():
                start = envs.reset(seed=integer(seed, "evaluation", suite) % 2**31)
                stream = integer(seed, "evaluation", name, suite)
                yield suite, name, play(policy, envs, start, episodes, greedy=greedy, seed=stream)
        finally:
            envs.close()


def doom_stages(config: TrainConfig, suite: str, *, episodes: int, seed: int = 0) -> Iterator[DoomStage]:
    """Episodes of a suite to be watched one after the other; errors as :func:`evaluate_in_simulator`'s."""
    _check_suites(config, [suite])
    env = GroundedDoomEnv(DOOM_IDS[config.task], instructions=TOLD[suite], **doom_camera(config))
    try:
        for number in range(episodes):
            yield DoomStage(env, integer(seed, "watched", suite, number) % 2**31)
    finally:
        env.close()


def _check_suites(config: TrainConfig, suites: Sequence[str]) -> None:
    unknown = [suite for suite in suites if suite not in TOLD]
    if unknown:
        raise SplitError(f"{config.task} is tested by {', '.join(TOLD)}, not by {', '.join(unknown)}")
