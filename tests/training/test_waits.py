"""What the host waits for while it collects and learns, counted on a simulated device.

Waits that stay are named below, with their reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from runs_of_parts import AGENTS, ALGORITHMS, ROVERS, USUAL, T, pictures, symbols
from simulated_device import SimulatedDevice, waits
from small_runs import checkpoint_of, small_config

from groundling.training import PPOConfig, train
from groundling.training.loop import Trainer

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
# By algorithm: steps of which the actions are waited for, what else collecting waits for, what an update waits for.
ALGORITHM_WAITS: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "ppo": (T, {}, PPO),
    "ppo with what it can learn besides": (T, {}, PPO),
    "ppo, paid for distances": (T, {}, PPO),
    "a2c": (T, {}, PPO),
    # the weight of the penalty is adapted on the host
    "ppo_kl": (T, {}, {**PPO, "_local_scalar_dense at training/algorithms/ppo_kl.py:after_update": 1}),
    "vtrace": (T, {}, learned("vtrace.py")),
    "reinforce": (T, EPISODES, EPISODIC),
    "rloo": (2 * T, EPISODES, EPISODIC),
    "grpo": (2 * T, EPISODES, EPISODIC),
    # domains are found on the host: how many groups there are, and their domains and outcomes
    "drpo": (
        2 * T,
        EPISODES,
        {
            **EPISODIC,
            "_local_scalar_dense at training/episodes.py:grid": 3,
            "_to_copy at training/algorithms/drpo.py:outcomes": 3,
        },
    ),
    # who is taught by actions that are on the host anyway need not wait for them
    "bc": (0, {}, learned("imitation.py")),
    "dagger": (T, {}, learned("imitation.py")),
    "dagger with handover": (T, {}, learned("imitation.py")),
}
# By agent, where it is another than that of all the others: what collecting and learning wait for besides.
AGENT_WAITS = {"gru that reads and finds": ({WAYS: T + 1}, {WAYS: 1})}


def trained(folder: Path, **changes: Any) -> tuple[Trainer, Trainer, Counter[str], Counter[str], list[str]]:
    """A run of two updates on the device and the same on the CPU; what the second collection and update on the device
    waited for, and from where things were sent meanwhile.
    """
    with SimulatedDevice() as device:
        changes = {**USUAL, **changes}
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


def some_slow(names: Iterable[str], usual: Sequence[str]) -> list[Any]:
    """All of them, those that are not usually tested as slow ones."""
    return [name if name in usual else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", some_slow(ALGORITHMS, ("ppo", "grpo", "dagger", "vtrace")))
def test_algorithm_waits_for_nothing_but_what_is_named_and_learns_the_same(name: str, tmp_path: Path) -> None:
    steps, collecting, learning = ALGORITHM_WAITS[name]
    there, here, waited, learned, sent = trained(tmp_path, **ALGORITHMS[name])
    assert waited == +Counter({ACTIONS: steps, **collecting})
    assert learned == Counter(learning)
    # one batch a step, what followed after the last one, and observations whose values are asked for
    length = len(there.algorithm.collector.rollout.action)  # type: ignore[attr-defined]
    assert sent.count("training/staging.py:send") == length
    assert sent.count("training/staging.py:send_all") == 1
    assert len(sent) <= length + 3
    check_same(there, here)


@pytest.mark.parametrize("name", some_slow(AGENTS, ("cross_attention", "contextual", "lstm", "map")))
def test_agent_waits_for_nothing_but_what_is_named_and_learns_the_same(name: str, tmp_path: Path) -> None:
    collecting, learning = AGENT_WAITS.get(name, ({}, {}))
    there, here, waited, learned, _ = trained(tmp_path, **symbols(name))
    assert waited == Counter({ACTIONS: T, **collecting})
    assert learned == Counter({**PPO, **learning})
    check_same(there, here)


@pytest.mark.parametrize("name", some_slow(ROVERS, ("cnn",)))
def test_agent_that_sees_pictures_waits_for_nothing_but_what_is_named(name: str, tmp_path: Path) -> None:
    there, here, waited, learned, _ = trained(tmp_path, **pictures(name))
    assert waited == Counter({ACTIONS: T})
    assert learned == Counter(PPO)
    check_same(there, here)


@pytest.mark.slow
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
    assert found == {"_to_copy": 2 * T, "_local_scalar_dense": T, "index by a mask": T}


def test_device_refuses_what_a_gpu_refuses() -> None:
    with SimulatedDevice():
        there = torch.arange(3, device="simulated")
        with pytest.raises(RuntimeError, match="on one device"):
            there + torch.arange(3)
        with pytest.raises((RuntimeError, TypeError)):
            there.numpy()
        assert there.cpu().numpy().tolist() == [0, 1, 2]


def test_run_on_a_device_is_resumed_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    changes = {**USUAL, **symbols("lstm"), "device": "simulated"}
    with SimulatedDevice():
        train(small_config(2, **changes), tmp_path / "once")
        Trainer(small_config(2, **changes), tmp_path / "twice").run(stop_after_updates=1)
        train(small_config(2, **changes), tmp_path / "twice", resume=True)
    one, other = checkpoint_of(tmp_path / "once"), checkpoint_of(tmp_path / "twice")
    assert one.fingerprint == other.fingerprint
    saved = torch.load(tmp_path / "once" / "checkpoint.pt", weights_only=True)
    assert all(array.device.type == "cpu" for array in saved["agent"].values()), "a file is of no device"
    train(small_config(3, **{**changes, "device": "cpu"}), tmp_path / "twice", resume=True)
