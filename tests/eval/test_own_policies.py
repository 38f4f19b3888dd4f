"""Any policy can be evaluated: by the same suites, episodes and controls as a run's agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import RandomPolicy
from groundling.cli import main
from groundling.envs.catalog import find_family
from groundling.errors import ActionError, CheckpointError, ConfigurationError, ExtensionError
from groundling.eval.policies import CallablePolicy, as_policy, evaluate_policy, find_policy

LEVEL = "BabyAI-GoToObjS4-v0"
SPEC = find_family(LEVEL).spec
FILE = """
import numpy as np

def forward(observation):
    assert set(observation) == {"image", "direction", "instruction"}
    return np.full(len(observation["image"]), 2)

class Turning:
    def __call__(self, observation):
        return np.zeros(len(observation["image"]), dtype=np.int64)

number = 3
"""


@pytest.fixture
def place(tmp_path: Path) -> str:
    path = tmp_path / "my_policies.py"
    path.write_text(FILE)
    return str(path)


def test_a_callable_is_measured_beside_the_controls(place: str, tmp_path: Path, capsys: Any) -> None:
    arguments = ["--policy", f"{place}:forward", "--task", LEVEL, "--suite", "layout", "--episodes", "20"]
    assert main(["evaluate", str(tmp_path / "out"), *arguments]) == 0
    assert "layout" in capsys.readouterr().out
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert set(told["suites"]["layout"]) == {"trained", "random", "shuffled"}
    own = told["suites"]["layout"]["trained"]
    assert own["episodes"] == 20
    assert own["success"] <= 0.5
    assert own["success"] == told["suites"]["layout"]["shuffled"]["success"]  # it does not read


def test_the_same_policy_by_itself_and_by_its_place_is_the_same() -> None:
    policy = RandomPolicy(SPEC.num_actions)
    found = evaluate_policy(policy, LEVEL, ("layout",), episodes=20, progress=False).results["layout"]["trained"]
    assert 0 < found.success < 1
    assert as_policy(policy, SPEC, "it") is policy


def test_classes_are_made_and_what_is_no_policy_is_refused(place: str) -> None:
    policy = find_policy(f"{place}:Turning", SPEC)
    actions, _ = policy.act({"image": np.zeros((3, 1))}, policy.initial_state(3), np.ones(3, dtype=np.bool_))
    assert actions.tolist() == [0, 0, 0]
    with pytest.raises(ExtensionError, match="is a int: a policy is a callable"):
        find_policy(f"{place}:number", SPEC)
    with pytest.raises(ExtensionError, match="has no 'forwards'"):
        find_policy(f"{place}:forwards", SPEC)
    with pytest.raises(ConfigurationError, match="named by its place"):
        find_policy("forward", SPEC)


@pytest.mark.parametrize(
    ("given", "told"),
    [(np.zeros(2), "float64"), (np.zeros((2, 7), dtype=int), r"\[2, 7\]"), (np.array([0, 7]), "from 0 to 7"), (3, "")],
)
def test_actions_that_are_none_are_refused(given: Any, told: str) -> None:
    policy = CallablePolicy(lambda _: given, 7, "mine")
    with pytest.raises(ActionError, match=f"mine gave .*{told}"):
        policy.act({}, policy.initial_state(2), np.ones(2, dtype=np.bool_))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--policy", "a.py:b"], "give both"),
        (["--task", LEVEL], "give both"),
        (["--policy", "nowhere.py:b", "--task", LEVEL], "there is no file"),
        (["--policy", "sb3:PPO", "--task", LEVEL], "name the file of the model"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments: list[str], told: str, capsys: Any) -> None:
    assert main(["evaluate", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sb3:PPO", "sb3:DQN", "sb3contrib:RecurrentPPO"])
def test_a_saved_model_acts_as_it_does_itself(name: str, tmp_path: Path) -> None:
    pytest.importorskip("sb3_contrib")
    from groundling.sb3 import make_vec_env, policy_kwargs
    from groundling.sb3.models import find_model_class

    envs = make_vec_env(LEVEL, 4, bank_size=16, progress=False)
    kind = find_model_class(name)
    alias = next(alias for alias in kind.policy_aliases if alias.startswith("MultiInput"))
    model = kind(alias, envs, policy_kwargs=policy_kwargs(envs), device="cpu", seed=0)
    model.save(tmp_path / "model.zip")
    policy = find_policy(f"{name}:{tmp_path / 'model.zip'}", envs.agent_spec)
    observation, first, state, memory = envs.reset(), np.ones(4, dtype=np.bool_), policy.initial_state(4), None
    for _ in range(4):
        actions, state = policy.act(observation, state, first, greedy=True)
        wanted, memory = model.predict(observation, memory, first, deterministic=True)
        assert actions.tolist() == wanted.tolist()
        observation, _, first, _ = envs.step(actions)
    drawn = [
        policy.act(observation, state, first, generator=torch.Generator().manual_seed(seed))[0].tolist()
        for seed in (0, 0, 1, 2, 3, 4, 5)
    ]
    assert drawn[0] == drawn[1]
    assert (len({tuple(one) for one in drawn}) == 1) == (name == "sb3:DQN")


def test_models_that_are_none_or_of_other_worlds_are_refused(tmp_path: Path) -> None:
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    with pytest.raises(CheckpointError, match="there is no file"):
        find_policy(f"sb3:PPO:{tmp_path / 'model.zip'}", SPEC)
    (tmp_path / "torn.zip").write_text("nothing")
    with pytest.raises(CheckpointError, match="cannot be read as a model of sb3:PPO"):
        find_policy(f"sb3:PPO:{tmp_path / 'torn.zip'}", SPEC)
    stable_baselines3.PPO("MlpPolicy", "CartPole-v1", device="cpu").save(tmp_path / "pole.zip")
    with pytest.raises(ConfigurationError, match=r"reads one Box \[4\], these environments have fields"):
        find_policy(f"sb3:PPO:{tmp_path / 'pole.zip'}", SPEC)
