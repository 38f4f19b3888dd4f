"""The doctor's checks that play: a run that learned is green, and copies of it that are broken on purpose are red."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium.vector import VectorEnv, VectorWrapper
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import Action, HeldOut
from groundling.eval.doctor import frozen_buffer as buffer_check
from groundling.eval.doctor import probes as probing
from groundling.eval.doctor.actions import greedy
from groundling.eval.doctor.examination import examination_of, find_checks
from groundling.eval.doctor.finding import Finding, State
from groundling.eval.doctor.probes import Decisions, Probed, Probes, Recorder
from groundling.eval.doctor.record import RunRecord
from groundling.eval.doctor.values import value
from groundling.eval.evaluation import Evaluation
from groundling.eval.runs import BLIND_NAME
from groundling.training import PPOConfig, TrainConfig, train
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.reinforce import ReinforceConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

EPISODES = 60
PLAYED = ("random_return", "greedy", "actions", "controls", "frozen_buffer")
CONFIG = TrainConfig(
    task="BabyAI-GoToLocalS5N2-v0",
    algorithm="bc",
    total_frames=60_000,
    num_envs=64,
    bank_size=2048,
    held_out=HeldOut(factors=()),
    evaluate_every=0,
    agent=AgentConfig(hidden_dim=32),
    imitation=ImitationConfig(minibatch_size=160, learning_rate=3e-3),
)
Parameters = dict[str, Tensor]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned."""
    folder = tmp_path_factory.mktemp("doctor") / "run"
    train(CONFIG, folder)
    return folder


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen updates tell as much of these small networks."""
    monkeypatch.setattr(buffer_check, "UPDATES", (12, 5))


def find(record: RunRecord, *names: str) -> dict[str, Finding]:
    return dict(examination_of(record, find_checks(names), "run").findings)


def broken(run: Path, folder: Path, edit: Callable[[Parameters], None]) -> RunRecord:
    """The record of a copy of a run whose parameters were changed."""
    shutil.copytree(run, folder)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    edit(checkpoint.agent)
    checkpoint.save(folder / CHECKPOINT_NAME)
    return RunRecord.of_folder(folder, episodes=EPISODES)


def test_run_that_learned_is_green(run: Path) -> None:
    found = find(RunRecord.of_folder(run, episodes=EPISODES), *PLAYED)
    assert {name: finding.seen for name, finding in found.items() if finding.state is not State.GREEN} == {}
    assert found["controls"].numbers["layout/trained"] > 0.9
    shares = [share for name, share in found["actions"].numbers.items() if name.startswith("layout/")]
    assert sum(shares) == pytest.approx(1)


def never_forward(parameters: Parameters) -> None:
    parameters["policy.bias"][Action.FORWARD] -= 60


def always_left(parameters: Parameters) -> None:
    parameters["policy.bias"][Action.LEFT] += 60


def test_dead_action_and_a_single_mode_are_told(run: Path, tmp_path: Path) -> None:
    dead = find(broken(run, tmp_path / "dead", never_forward), "actions")["actions"]
    assert dead.state is State.RED
    assert "'forward'" in dead.seen
    assert "(expert" in dead.seen
    single = find(broken(run, tmp_path / "single", always_left), "actions")["actions"]
    assert single.state is State.RED
    assert "100% of all actions are 'left'" in single.seen


def without_words(parameters: Parameters) -> None:
    parameters["encoder.language.embedding.weight"].zero_()


def without_thought(parameters: Parameters) -> None:
    parameters["policy.weight"].zero_()
    parameters["policy.bias"].zero_()
    parameters["policy.bias"][Action.LEFT] = 1e-3  # the likeliest action, by a hair


def doubting(parameters: Parameters) -> None:
    parameters["policy.weight"] *= 0.03
    parameters["policy.bias"] *= 0.03


def test_agent_that_does_not_read_and_one_that_does_nothing_are_no_better_than_their_controls(
    run: Path, tmp_path: Path
) -> None:
    deaf = find(broken(run, tmp_path / "deaf", without_words), "controls")["controls"]
    assert deaf.state is State.RED
    assert "shuffled too close" in deaf.seen
    assert "random too close" not in deaf.seen
    lost = find(broken(run, tmp_path / "lost", without_thought), "controls")["controls"]
    assert lost.state is State.RED
    assert "(random" in lost.seen


def test_blind_control_that_is_as_good_is_told(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.copytree(run, copy / BLIND_NAME)
    found = find(RunRecord.of_folder(copy, episodes=EPISODES), "controls")["controls"]
    assert found.state is State.RED
    assert "blind too close" in found.seen
    assert "does not use what it sees" in found.advice


def test_policy_that_needs_its_noise_and_one_that_has_too_much_are_told_apart(run: Path, tmp_path: Path) -> None:
    circling = find(broken(run, tmp_path / "circling", without_thought), "greedy")["greedy"]
    assert circling.state in (State.YELLOW, State.RED)
    assert "(in circles)" in circling.seen
    noisy = find(broken(run, tmp_path / "noisy", doubting), "greedy")["greedy"]
    assert noisy.state in (State.YELLOW, State.RED)
    assert "(noisy)" in noisy.seen


@pytest.mark.parametrize(
    ("drawn", "likeliest", "state"),
    [(30, 36, State.GREEN), (30, 45, State.YELLOW), (10, 55, State.RED), (55, 10, State.RED)],
)
def test_gap_between_drawn_and_likeliest_actions_is_told_as_far_as_so_few_episodes_can_tell(
    drawn: int, likeliest: int, state: State
) -> None:
    """Six of sixty more are a tenth, and may be chance."""

    class Two:
        sampled: ClassVar = {"layout": Probed(None, Evaluation(60, drawn, 0.0, 0.0), None)}  # type: ignore[arg-type]

        def greedy(self, name: str) -> Evaluation:
            return Evaluation(60, likeliest, 0.0, 0.0)

    assert greedy(RunRecord(CONFIG, [{"frames": 1}], probes=Two())).state is state  # type: ignore[arg-type]


class Doubled(VectorWrapper):
    """Pays twice."""

    def step(self, actions: Any) -> Any:
        observation, reward, *others = self.env.step(actions)
        return observation, 2 * reward, *others


def test_training_that_pays_otherwise_is_told_by_a_random_policy(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord.of_folder(run, episodes=200)
    honest: Callable[[TrainConfig], VectorEnv] = probing.training_envs
    monkeypatch.setattr(probing, "training_envs", lambda config: Doubled(honest(config)))
    found = find(record, "random_return")["random_return"]
    assert found.state is State.RED
    assert "standard errors apart" in found.seen
    assert found.numbers["training/return"] == pytest.approx(2 * found.numbers["evaluation/return"], rel=0.5)
    record.config = replace(record.config, time_share=0.5)
    assert find(record, "random_return")["random_return"].state is State.NONE


def test_learning_rate_of_nothing_does_not_fit_a_frozen_buffer(run: Path) -> None:
    record = RunRecord.of_folder(run, episodes=EPISODES)
    settings = CONFIG.settings_of(ImitationConfig)
    record.config = replace(CONFIG, settings=(replace(settings, learning_rate=1e-9),))
    found = find(record, "frozen_buffer")["frozen_buffer"]
    assert found.state is State.RED
    assert "frozen frames" in found.seen
    assert found.numbers["left"] == pytest.approx(1, abs=0.05)


def test_buffer_is_frozen_with_the_default_settings_too(run: Path) -> None:
    record = RunRecord.of_folder(run, episodes=EPISODES)
    record.config = replace(CONFIG, num_envs=96, settings=())  # 96 environments: their minibatches do not fill 2,048
    found = find(record, "frozen_buffer")["frozen_buffer"]
    assert found.state is State.GREEN
    assert 1024 <= found.numbers["frames"] <= 2048


def test_penalty_towards_the_first_policy_does_not_keep_a_buffer_from_being_frozen(run: Path, tmp_path: Path) -> None:
    """A fine-tuned run has it, and an init; on the buffer there is no other policy."""
    settings = PPOConfig(num_steps=16, minibatch_size=256, kl_coef=0.1)
    config = replace(CONFIG, algorithm="ppo", init=str(run), settings=(settings,))
    record = RunRecord(config, [{"frames": 1}], probes=RunRecord.of_folder(run, episodes=EPISODES).probes)
    found = find(record, "frozen_buffer")["frozen_buffer"]
    assert found.state is not State.NONE, found.seen


@pytest.mark.slow
def test_network_whose_units_are_dead_does_not_fit_a_frozen_buffer(run: Path, tmp_path: Path) -> None:
    def kill(parameters: Parameters) -> None:
        parameters["encoder.hidden.weight"].zero_()
        parameters["encoder.hidden.bias"].fill_(-5)

    found = find(broken(run, tmp_path / "dead", kill), "frozen_buffer")["frozen_buffer"]
    assert found.state is not State.GREEN


@pytest.mark.parametrize(
    ("losses", "state"),
    [
        ([1.0, 0.2], State.GREEN),
        ([1.0, 0.7], State.YELLOW),
        ([1.0, 1.1], State.RED),
        ([1.0, float("nan")], State.RED),
        ([1e-5, 1e-5], State.GREEN),  # nothing is left to fit
    ],
)
def test_losses_on_a_frozen_buffer_are_judged_by_what_is_left(losses: list[float], state: State) -> None:
    rows = [{"value_loss": loss, "entropy": 1.0} for loss in losses]
    assert buffer_check.judge_losses(rows, 2048, "PPO").state is state
    assert buffer_check.judge_losses([{"entropy": 1.0}] * 2, 2048, "mine").state is State.NONE


class Played:
    """Probes that have seen these decisions."""

    def __init__(self, decisions: Decisions) -> None:
        self.sampled = {"layout": Probed(None, None, decisions)}  # type: ignore[arg-type]


def judged(found: np.ndarray, predicted: np.ndarray, **changes: Any) -> Finding:
    decisions = Decisions(predicted, found, np.full((len(found), 2), 0.5), np.zeros(len(found), dtype=np.int64))
    return value(RunRecord(TrainConfig(**changes), [{"frames": 1}], probes=Played(decisions)))  # type: ignore[arg-type]


def test_value_that_predicts_nothing_is_told() -> None:
    rng = np.random.default_rng(0)
    found = np.where(rng.random(500) < 0.6, 0.9, 0.0)
    good = judged(found, 0.8 * found + 0.1 + 0.05 * rng.standard_normal(500))
    assert good.state is State.GREEN
    assert good.numbers["layout/explained_variance"] == pytest.approx(0.95, abs=0.03)
    assert judged(found, np.full(500, 0.54)).state is State.YELLOW  # a constant explains nothing
    assert judged(found, 1 - found).state is State.RED
    sure = 0.9 + 0.02 * rng.standard_normal(500)  # an agent that always succeeds: little varies, and less is wrong
    assert judged(sure, np.full(500, 0.93)).state is State.GREEN
    assert judged(sure, rng.standard_normal(500)).state is State.RED
    assert judged(np.zeros(500), np.zeros(500)).state is State.NONE
    assert judged(found, found, reward=("environment", "rubric")).state is State.NONE
    assert judged(found, found, ppo=PPOConfig(value_coef=0)).state is State.NONE


@pytest.mark.parametrize(
    ("algorithm", "settings", "state"),
    [
        ("reinforce", ReinforceConfig(baseline="none"), State.NONE),  # its value_coef is of the learned baseline alone
        ("reinforce", ReinforceConfig(baseline="learned"), State.RED),
        ("grpo", GRPOConfig(), State.NONE),
    ],
)
def test_value_that_nothing_trained_is_not_judged(algorithm: str, settings: Any, state: State) -> None:
    found = np.linspace(0, 1, 50)
    assert judged(found, -found, algorithm=algorithm, settings=(settings,)).state is state


def test_returns_are_discounted_to_the_end_of_each_episode(run: Path) -> None:
    """Of an episode of L steps that succeeds, the first frame is worth gamma^(L-1) times its reward."""
    probes = Probes(Checkpoint.load(run / CHECKPOINT_NAME), run, episodes=EPISODES)
    (probed,) = probes.sampled.values()
    lengths = [outcome.length for outcome in probed.evaluation.outcomes]
    assert len(probed.decisions.found) == sum(lengths)
    first = probed.decisions.found[:EPISODES]  # every environment plays one episode, and all begin together
    expected = sorted(o.episode_return * 0.99 ** (o.length - 1) for o in probed.evaluation.outcomes)
    np.testing.assert_allclose(sorted(first), expected)
    np.testing.assert_allclose(probed.decisions.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_return_of_an_episode_ends_with_it_where_an_environment_plays_several() -> None:
    """Of one environment: two steps, paid 1 at the end, then one step, paid .5."""
    recorder = Recorder(ActorCritic(CONFIG.agent))
    one = {"env": np.array([0]), "value": np.zeros(1), "probabilities": np.ones((1, 1)), "action": np.array([0])}
    paid = ((0.0, False), (1.0, True), (0.5, True))
    recorder._steps = [{**one, "reward": np.array([r]), "ended": np.array([ended])} for r, ended in paid]
    assert recorder.decisions(0.9).found.tolist() == [0.9, 1.0, 0.5]


@pytest.mark.slow
def test_run_of_ppo_that_learned_is_green_in_every_check(tmp_path: Path) -> None:
    ppo = PPOConfig(num_steps=16, minibatch_size=256, learning_rate=2e-3)
    train(replace(CONFIG, algorithm="ppo", total_frames=100_000, settings=(ppo,)), tmp_path / "run")
    found = find(RunRecord.of_folder(tmp_path / "run", episodes=100))
    states = {name: finding.state for name, finding in found.items()}
    # what else this machine does is no part of the test
    assert states.pop("throughput") in State
    assert states.pop("curriculum") is State.NONE
    assert {name: found[name].seen for name, state in states.items() if state is not State.GREEN} == {}
