"""Training in environments of a GPU: under Numba's simulator agents are bit by bit those of training on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groundling.errors import ConfigurationError
from groundling.training import TrainConfig
from groundling.training.device_collector import DeviceCollector
from groundling.training.presets import PRESETS

SMALL = {"num_envs": 6, "total_frames": 480, "bank_size": 12, "evaluate_every": 0, "time_share": 0.3}
ROLLOUTS = {"num_steps": 40, "minibatch_size": 120}
MEMORY = {"agent": {**TrainConfig().agent.to_dict(), "memory": "gru"}}
MIXTURE = {"tasks": ["BabyAI-GoToLocal-v0", "BabyAI-PickupLoc-v0"]}


def trained(**options: Any) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("device_runs.py")), json.dumps({**SMALL, **options})]
    done = subprocess.run(
        command, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"ppo": ROLLOUTS},
        {"ppo": ROLLOUTS, **MEMORY, **MIXTURE},
        {"algorithm": "reinforce", "reinforce": {"num_steps": 40}},
    ],
    ids=["ppo", "memory and two tasks", "reinforce"],
)
def test_agents_trained_on_the_device_are_those_of_the_cpu(options: dict[str, Any]) -> None:
    found = trained(**options)
    assert found["cpu"]["episodes"] > 0
    assert found["cpu"] == found["cuda"]
    assert not found["different"]
    assert not found["different_resumed"]


@pytest.mark.slow
def test_agent_that_sees_pixels_is_that_of_the_cpu_but_for_rounding() -> None:
    preset = PRESETS["pixels"].to_dict()
    camera = {**preset["camera"], "width": 32, "height": 16, "fov_degrees": 90.0}
    rollouts = {"num_steps": 20, "minibatch_size": 60}
    kept = {name: preset[name] for name in ("task", "body", "agent")}
    found = trained(**kept, camera=camera, ppo=rollouts, num_envs=6, total_frames=240)
    assert found["cpu"]["episodes"] > 0
    assert found["cpu"] == found["cuda"]
    assert found["farthest"] < 1e-3  # a color of the CPU's may differ by a level
    assert not found["different_resumed"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"env_device": "gpu"}, "'cpu', 'cuda' or 'cuda:N', not 'gpu'"),
        ({"task": "groundling/RTFM-Simple-6x6-v0"}, "is not stepped on 'cuda'"),
        ({"algorithm": "bc"}, "'bc' plays environments of the CPU only"),
    ],
)
def test_what_only_the_cpu_does_is_refused_before_a_run(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        TrainConfig(**{"env_device": "cuda", **options})


def test_environments_that_copy_are_refused() -> None:
    envs: Any = SimpleNamespace(unwrapped=SimpleNamespace(copy=True))
    with pytest.raises(ConfigurationError, match="copy=False"):
        DeviceCollector(envs)
