"""What the host waits for while it collects and learns, counted on a simulated device.

Waits that stay are named below, with their reasons.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from simulated_device import SimulatedDevice, waits
from small_runs import small_config

from groundling.agents import AgentConfig
from groundling.envs.first_person import Camera
from groundling.training import PPOConfig
from groundling.training.algorithms.drpo import DRPOConfig
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.ppo_kl import PPOKLConfig
from groundling.training.loop import Trainer

SIZES: dict[str, Any] = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}
SMALL: dict[str, Any] = {"word_dim": 5, "instruction_dim": 7, "hidden_dim": 8}
MAP: dict[str, Any] = {"map_radius": 3, "map_ways": True}

# Of every step: the actions. Nothing else is needed on the host.
ACTIONS = "_to_copy at training/collector.py:on_host"
# Of every update: how many different sentences the rollout has, which is the size of a table; and the metrics.
SENTENCES = {"_to_copy at language/encoders/sentences.py:distinct_on_device": 1}
# Of the longest way on all maps of a batch, whether it is found: once in 16 tiles.
WAYS = "_local_scalar_dense at agents/encoders/ways.py:ways_on_device"
# How many episodes are whole now, of which steps, and of which groups: sizes of what is learned from.
EPISODES = {
    "_local_scalar_dense at training/episodes.py:_number": 1,
    "_unique2 at training/episodes.py:_is_whole": 1,
    "nonzero at training/episodes.py:add": 2,
    "_unique2 at training/episodes.py:_sorted": 2,
}
# How long the longest episode is, of all and, with a memory, of each minibatch.
EPISODIC = {
    **SENTENCES,
    "_local_scalar_dense at training/episodes.py:grid": 2,
    "_to_copy at training/algorithms/episodic.py:learn": 1,
}


def learned(place: str) -> dict[str, int]:
    """An update that waits for sentences and metrics."""
    return {**SENTENCES, f"_to_copy at training/algorithms/{place}:learn": 1}


PPO = learned("ppo.py")
ALGORITHMS: dict[str, tuple[dict[str, Any], int, dict[str, int], dict[str, int]]] = {
    # changes of the run, steps of a rollout, what collecting waits for beside actions, what an update waits for
    "ppo": ({}, 12, {}, PPO),
    "ppo with what it can learn besides": (
        {
            "ppo": PPOConfig(num_steps=12, minibatch_size=48, subgoal_coef=0.1, reward_coef=0.1),
            "agent": AgentConfig(**SIZES, predicts_subgoal=True),
        },
        12,
        {},
        PPO,
    ),
    "ppo, paid for distances": ({"reward": ("environment", "distance")}, 12, {}, PPO),
    "a2c": ({"algorithm": "a2c"}, 8, {}, PPO),
    "ppo_kl": (
        {"algorithm": "ppo_kl", "settings": (PPOKLConfig(num_steps=12, minibatch_size=48),)},
        12,
        {},
        # the weight of the penalty is adapted on the host
        {**PPO, "_local_scalar_dense at training/algorithms/ppo_kl.py:after_update": 1},
    ),
    "vtrace": ({"algorithm": "vtrace"}, 8, {}, learned("vtrace.py")),
    "reinforce": ({"algorithm": "reinforce"}, 8, EPISODES, EPISODIC),
    "rloo": ({"algorithm": "rloo"}, 8, EPISODES, EPISODIC),
    "grpo": (
        {"algorithm": "grpo", "settings": (GRPOConfig(num_steps=12, minibatch_size=48, group_size=4),)},
        12,
        EPISODES,
        EPISODIC,
    ),
    "drpo": (
        {"algorithm": "drpo", "settings": (DRPOConfig(num_steps=12, minibatch_size=48, group_size=4),)},
        12,
        EPISODES,
        # domains are found on the host: how many groups there are, and their domains and outcomes
        {
            **EPISODIC,
            "_local_scalar_dense at training/episodes.py:grid": 3,
            "_local_scalar_dense at training/algorithms/drpo.py:outcomes": 1,
            "_to_copy at training/algorithms/drpo.py:outcomes": 3,
        },
    ),
    # who is taught by actions that are on the host anyway need not wait for them
    "bc": ({"algorithm": "bc"}, 0, {}, learned("imitation.py")),
    "dagger": (
        {
            "algorithm": "dagger",
            "imitation": ImitationConfig(num_steps=12, minibatch_size=48, mixing=0.0, kept_share=0.5, inflection=2.0),
        },
        12,
        {},
        learned("imitation.py"),
    ),
    "dagger with handover": (
        {
            "algorithm": "dagger",
            "imitation": ImitationConfig(num_steps=12, minibatch_size=48, mixing=0.0, kept_share=0.5, handover=0.1),
        },
        12,
        {},
        learned("imitation.py"),
    ),
}
AGENTS: dict[str, tuple[dict[str, Any], dict[str, int], dict[str, int]]] = {
    # the agent, and what collecting and learning wait for beside actions, sentences and metrics
    **{kind: ({"fusion": kind}, {}, {}) for kind in ("gated", "film", "concat", "cross_attention")},
    **{kind: ({"language": kind}, {}, {}) for kind in ("contextual", "gru", "bigru", "transformer")},
    "lstm": ({"memory": "lstm", "memory_dim": 6, "time_dim": 3}, {}, {}),
    "gru that skips": ({"memory": "gru", "memory_dim": 6, "memory_skip": True}, {}, {}),
    "convolved": ({"vision": "convolved"}, {}, {}),
    "scene": ({"vision": "scene", "map_radius": 3}, {}, {}),
    "map": ({"map_radius": 3}, {}, {}),
    "gru that reads and finds": (
        {"memory": "gru", "memory_dim": 6, "memory_reads": True, "memory_finds": True, **MAP},
        {WAYS: 12 + 2},
        {WAYS: 1},
    ),
}
ROVERS: dict[str, dict[str, Any]] = {
    "cnn": {"vision": "cnn", "conv_channels": (4, 4, 8), "attributes": 2, "readout_dim": 3, **SMALL},
    "chaplot": {
        "vision": "chaplot",
        "conv_channels": (4, 4, 4),
        "fusion": "gated",
        "language": "gru",
        "memory": "lstm",
        "memory_dim": 6,
        **SMALL,
    },
}


def trained(folder: Path, **changes: Any) -> tuple[Trainer, Trainer, Counter[str], Counter[str], list[str]]:
    """A run of two updates on the device and the same on the CPU; what the second collection and update on the device
    waited for, and from where things were sent meanwhile.
    """
    with SimulatedDevice() as device:
        there = Trainer(small_config(**changes, device="simulated"), folder / "device")
        there.train_once()
        with device.counted() as collecting:
            batch = there.algorithm.collect()
        with device.counted() as learning:
            there.algorithm.update(batch, 0.5)
        there.close()
    here = Trainer(small_config(**changes), folder / "host")
    here.train_once()
    here.algorithm.update(here.algorithm.collect(), 0.5)
    here.close()
    sent = [event.place for event in collecting if event.kind == "sent"]
    return there, here, waits(collecting), waits(learning), sent


def check_same(there: Trainer, here: Trainer) -> None:
    """Both agents learned the same, which they only do if they saw, did and were paid the same."""
    state = here.agent.state_dict()
    for name, array in there.agent.state_dict().items():
        torch.testing.assert_close(
            array.cpu(), state[name], rtol=1e-4, atol=2e-6, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_algorithm_waits_for_nothing_but_what_is_named_and_learns_the_same(name: str, tmp_path: Path) -> None:
    changes, steps, collecting, learning = ALGORITHMS[name]
    there, here, waited, learned, sent = trained(tmp_path, **changes)
    assert waited == +Counter({ACTIONS: steps, **collecting})
    assert learned == Counter(learning)
    length = len(there.algorithm.collector.rollout.action)  # type: ignore[attr-defined]
    # one batch a step, what followed after the last one, and observations whose values are asked for
    assert sent.count("training/staging.py:send") == length
    assert sent.count("training/staging.py:send_all") == 1
    assert len(sent) <= length + 3
    check_same(there, here)


@pytest.mark.parametrize("name", list(AGENTS))
def test_agent_waits_for_nothing_but_what_is_named_and_learns_the_same(name: str, tmp_path: Path) -> None:
    parts, collecting, learning = AGENTS[name]
    there, here, waited, learned, _ = trained(tmp_path, agent=AgentConfig(**SIZES, **parts))
    assert waited == Counter({ACTIONS: 12, **collecting})
    assert learned == Counter({**PPO, **learning})
    check_same(there, here)


@pytest.mark.parametrize("name", list(ROVERS))
def test_agent_that_sees_pictures_waits_for_nothing_but_what_is_named(name: str, tmp_path: Path) -> None:
    size = 64 if name == "chaplot" else 24
    agent = AgentConfig(**ROVERS[name])
    camera = Camera(width=size, height=size)
    there, here, waited, learned, _ = trained(tmp_path, body="rover", camera=camera, agent=agent)
    assert waited == Counter({ACTIONS: 12})
    assert learned == Counter(PPO)
    check_same(there, here)


def test_many_sentences_cost_no_wait_either(tmp_path: Path) -> None:
    """A sentence for nearly every environment, so that minibatches leave most of them out."""
    changes = {"task": "BabyAI-GoToLocal-v0", "num_envs": 24, "ppo": PPOConfig(num_steps=4, minibatch_size=24)}
    there, here, waited, learned, _ = trained(tmp_path, **changes)
    assert waited == Counter({ACTIONS: 4})
    assert learned == Counter(PPO)
    check_same(there, here)


def test_wait_that_somebody_adds_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: three things that look innocent on the CPU."""
    from groundling.training.collector import Collector

    act = Collector.act

    def careless(self: Collector, step: int) -> torch.Tensor:
        action = act(self, step)
        if action.max() > 100 or len(action[action > 3]) > 100:
            raise AssertionError
        self.rollout.value[step] = torch.zeros(len(action)).to(action.device)
        return action

    monkeypatch.setattr(Collector, "act", careless)
    *_, waited, _, _ = trained(tmp_path)
    found = Counter(name.split(" at ")[0] for name in waited.elements())
    assert found == {"_to_copy": 24, "_local_scalar_dense": 12, "index by a mask": 12}


def test_device_refuses_what_a_gpu_refuses() -> None:
    with SimulatedDevice():
        there = torch.arange(3, device="simulated")
        with pytest.raises(RuntimeError, match="on one device"):
            there + torch.arange(3)
        with pytest.raises((RuntimeError, TypeError)):
            there.numpy()
        assert there.cpu().numpy().tolist() == [0, 1, 2]
