"""A minibatch on two threads: the same update up to rounding, the same bits each time."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from rank_updates import CASES, ENVS, SMALL, flat, make
from small_runs import checkpoint_of, small_config
from torch import Tensor

from groundling.agents import ActorCritic
from groundling.agents.dropout import SavedDropout
from groundling.errors import ConfigurationError
from groundling.training import Trainer
from groundling.training.episodes import Episodes
from groundling.training.replicas import SEEDS_APART, Learner, Replicas

SPLIT = [name for name, (kind, _, _) in CASES.items() if kind.splits_updates]


def updated(name: str, threads: int) -> tuple[Tensor, dict[str, float], float]:
    """The parameters after two updates on a batch, the metrics, and how far the parameters moved."""
    kind, settings, memory = CASES[name]
    torch.manual_seed(0)
    agent = ActorCritic(dataclasses.replace(SMALL, memory=memory))
    before = flat(agent)
    algorithm: Any = make(kind, agent, settings, ENVS, update_threads=threads)
    algorithm.start(3)
    batch = algorithm.collect()
    while isinstance(batch, Episodes) and len(batch) < 6:
        batch = algorithm.collect()
    batch.reward.copy_(torch.rand(batch.reward.shape, generator=torch.Generator().manual_seed(4)))
    metrics = [algorithm.update(batch, 0.0) for _ in range(2)][-1]
    return flat(agent), metrics, float((flat(agent) - before).abs().max())


@pytest.mark.parametrize("name", SPLIT)
def test_update_on_two_threads_is_that_on_one_up_to_rounding(name: str) -> None:
    one, metrics, moved = updated(name, 1)
    two, others, _ = updated(name, 2)
    assert moved > 1e-3
    assert float((one - two).abs().max()) < 2e-5
    for key in ("gradient_norm", "policy_loss", "entropy", "imitation_loss"):
        if key in metrics:
            assert metrics[key] == pytest.approx(others[key], rel=1e-3, abs=1e-5), key


def test_updates_on_two_threads_are_the_same_bits_each_time(tmp_path: Path) -> None:
    config = small_config(4, evaluate_every=0, update_threads=2)
    Trainer(config, tmp_path / "whole").run()
    Trainer(config, tmp_path / "parts").run(stop_after_updates=2)
    Trainer(config, tmp_path / "parts", resume=True).run()
    assert checkpoint_of(tmp_path / "whole").fingerprint == checkpoint_of(tmp_path / "parts").fingerprint


def test_minibatch_smaller_than_the_threads_is_learned_from() -> None:
    learner = Learner(ActorCritic(SMALL))
    replicas = Replicas(learner, 3)
    replicas.link()

    def loss_of(own: Learner, share: float, rows: Tensor) -> tuple[Tensor, Tensor]:
        loss = own.agent.policy.bias.sum() * rows.float().mean()
        return loss, loss.detach().unsqueeze(0)

    noted = replicas.backward(loss_of, (torch.tensor([3, 5]),))
    assert noted.tolist() == [0.0]
    assert learner.agent.policy.bias.grad is not None
    assert learner.agent.policy.bias.grad.tolist() == pytest.approx([4.0] * 7)


def test_error_in_a_thread_is_raised() -> None:
    replicas = Replicas(Learner(ActorCritic(SMALL)), 2)

    def loss_of(own: Learner, share: float, rows: Tensor) -> tuple[Tensor, Tensor]:
        if own is replicas.learners[1]:
            raise ValueError("the second part")
        loss = own.agent.policy.bias.sum()
        return loss, loss.detach().unsqueeze(0)

    with pytest.raises(ValueError, match="the second part"):
        replicas.backward(loss_of, (torch.arange(4),))


def test_replicas_share_parameters_and_no_dropout() -> None:
    agent: Any = ActorCritic(SMALL)
    agent.extra = SavedDropout(0.5)
    replicas = Replicas(Learner(agent), 2)
    agent.load_state_dict(copy.deepcopy(agent.state_dict()))
    replicas.link()
    other: Any = replicas.learners[1].agent
    with torch.no_grad():
        agent.policy.bias += 1.0
    assert torch.equal(other.policy.bias, agent.policy.bias)
    assert int(other.extra.seed) == int(agent.extra.seed) + SEEDS_APART


def test_algorithm_that_does_not_split_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'vtrace' computes a gradient on one thread: leave update_threads"):
        small_config(algorithm="vtrace", update_threads=2)
