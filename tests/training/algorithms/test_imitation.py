"""Imitation: the loss by hand, every frame one to learn from, memories carried on, and teachers who are followed."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from parts import make_algorithm, taught_collector
from test_loop import make_config, metrics_of
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank, HeldOut, make_vec
from groundling.envs.engine.constants import Action
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import CheckpointError, ConfigurationError, DemonstrationFileError, GroundlingError
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer, train
from groundling.training.algorithms.imitation import (
    BehaviorCloning,
    DAgger,
    Imitation,
    ImitationConfig,
    imitation_loss,
    inflection_weights,
)
from groundling.training.algorithms.ppo import kl_divergence
from groundling.training.algorithms.taught_collection import NO_LABEL, TaughtCollector
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.recorders import ReferencePolicy
from groundling.training.recording import record
from groundling.training.rollout import Rollout

LEVEL = "BabyAI-GoToLocal-v0"
T, B = 12, 6
SIZES: dict[str, Any] = {
    "cell_dim": 8,
    "word_dim": 5,
    "instruction_dim": 7,
    "readout_dim": 4,
    "hidden_dim": 16,
    "memory_dim": 9,
}
METRICS = {"imitation_loss", "accuracy", "value_loss", "entropy", "gradient_norm", "gradient_clipped"}
NOTHING_HELD_OUT = HeldOut(factors=())


def make_imitation(memory: Any = "none", **changes: Any) -> Imitation:
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(memory=memory, **SIZES))
    settings = {"num_steps": T, "minibatch_size": 2 * T, "learning_rate": 1e-3, **changes}
    return make_algorithm(BehaviorCloning, agent, ImitationConfig(**settings), num_envs=B)


def envs_of(level: str = LEVEL, count: int = 40, num_envs: int = B) -> GroundlingVectorEnv:
    """Environment b plays the episodes b, b + B, b + 2B, ..."""
    return make_vec(bank=EpisodeBank.of_seeds(level, range(count)), num_envs=num_envs, shuffle=False, copy=False)


def taught(imitation: Imitation, envs: GroundlingVectorEnv, *, num_steps: int = T) -> TaughtCollector:
    """A collector whose teacher acts."""
    return taught_collector(envs, imitation.agent, num_steps, Expert(envs.worlds))


def reference_of(trainer: Trainer) -> ActorCritic:
    """The policy that a run of PPO is kept near to."""
    (found,) = (part for part in trainer.algorithm.collector.recorders if isinstance(part, ReferencePolicy))
    return found.agent


def config_of(algorithm: Any = "bc", memory: Any = "none", **changes: Any) -> TrainConfig:
    """A short run of a small agent."""
    settings = {"imitation": ImitationConfig(num_steps=12, minibatch_size=48), **changes}
    return make_config(memory, algorithm=algorithm, **settings)


# The loss


def test_loss_accuracy_and_entropy_equal_hand_computed_numbers() -> None:
    probabilities = torch.tensor([[[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], [[0.1, 0.8, 0.1], [0.9, 0.05, 0.05]]])
    label = torch.tensor([[0, 1], [1, 0]])
    loss, accuracy, entropy = imitation_loss(probabilities.log() + 3.0, label)
    assert float(loss) == pytest.approx(-(math.log(0.5) + math.log(0.2) + math.log(0.8) + math.log(0.9)) / 4)
    assert float(accuracy) == 0.75  # the second frame's likeliest action is another one
    frames = probabilities.flatten(0, 1).tolist()
    assert float(entropy) == pytest.approx(-sum(p * math.log(p) for frame in frames for p in frame) / 4)


def test_frames_without_a_label_have_no_influence_on_loss_and_accuracy() -> None:
    logits = torch.randn(3, 2, 7, generator=torch.Generator().manual_seed(0))
    label = torch.tensor([[1, NO_LABEL], [4, 0], [NO_LABEL, 6]])
    loss, accuracy, _ = imitation_loss(logits, label)
    labelled = label != NO_LABEL
    alone, alone_accuracy, _ = imitation_loss(logits[labelled].unsqueeze(1), label[labelled].unsqueeze(1))
    assert float(loss) == pytest.approx(float(alone))
    assert float(accuracy) == pytest.approx(float(alone_accuracy))
    other = torch.where(labelled.unsqueeze(-1), logits, 100 * torch.randn(3, 2, 7))
    assert float(imitation_loss(other, label)[0]) == pytest.approx(float(loss))


def test_frames_without_a_label_have_no_influence_on_the_entropy() -> None:
    logits = torch.stack([torch.zeros(1, 4), torch.tensor([[50.0, 0.0, 0.0, 0.0]])])
    assert float(imitation_loss(logits, torch.tensor([[2], [NO_LABEL]]))[2]) == pytest.approx(math.log(4))


def test_frames_without_a_label_have_no_gradient() -> None:
    logits = torch.randn(3, 2, 7, generator=torch.Generator().manual_seed(0), requires_grad=True)
    label = torch.tensor([[1, NO_LABEL], [4, 0], [NO_LABEL, 6]])
    imitation_loss(logits, label)[0].backward()
    assert logits.grad is not None
    moved = logits.grad.abs().sum(dim=-1) > 0
    assert moved.tolist() == (label != NO_LABEL).tolist()
    # d/dlogit of the cross-entropy is (probability - 1 where labelled), over the number of labels
    expected = (logits.detach().softmax(dim=-1)[0, 0] - torch.eye(7)[1]) / 4
    torch.testing.assert_close(logits.grad[0, 0], expected)


def test_rollout_without_any_label_has_loss_0_and_leads_nowhere() -> None:
    logits = torch.randn(3, 2, 7, requires_grad=True)
    loss, accuracy, _ = imitation_loss(logits, torch.full((3, 2), NO_LABEL))
    loss.backward()
    assert loss.item() == accuracy.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


# The returns that the value learns


def rollout_with(reward: list[list[float]], terminated: list[list[int]], truncated: list[list[int]]) -> Rollout:
    """A rollout of which only these are read, [B, T] as they are written here."""
    empty = torch.zeros(0)
    flags = {
        "reward": torch.tensor(reward).T,
        "terminated": torch.tensor(terminated).T.bool(),
        "truncated": torch.tensor(truncated).T.bool(),
    }
    rest = {f.name: empty for f in dataclasses.fields(Rollout) if f.name not in (*flags, "observation")}
    return Rollout(observation={}, **{**rest, **flags})


def test_inflections_are_changes_of_the_teachers_action_within_an_episode() -> None:
    label = torch.tensor([[1, 1], [1, 2], [2, 2], [0, NO_LABEL], [0, 3], [0, 3]])
    is_first = torch.zeros(label.shape, dtype=torch.bool)
    is_first[3, 0] = True
    weight = inflection_weights(label, is_first, 4.0)
    assert weight.tolist() == [[1, 1], [1, 4], [4, 1], [1, 4], [1, 1], [1, 1]]


def test_weights_of_frames_make_a_weighted_mean() -> None:
    logits = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))
    label = torch.tensor([[0, 1], [2, NO_LABEL], [3, 3]])
    assert float(imitation_loss(logits, label, torch.ones(3, 2))[0]) == pytest.approx(
        float(imitation_loss(logits, label)[0])
    )
    weight = torch.tensor([[5.0, 0.0], [0.0, 7.0], [0.0, 0.0]])
    only = imitation_loss(logits[:1, :1], label[:1, :1])[0]
    assert float(imitation_loss(logits, label, weight)[0]) == pytest.approx(float(only))


def test_returns_equal_hand_computed_numbers() -> None:
    """Discount and decay 1/2, values 1, 2, 3, 4: a step's delta is r + v'/2 - v, and within an episode a quarter of the
    next step's advantage comes on top.

    First environment, truncated after its second step, which counts on with its own value:
    deltas 1 + 1 - 1, 0 + 1 - 2, 0 + 2 - 3 and (the rollout's end) 2 + 2 - 4; advantages 3/4, -1, -1, 0.
    Second one, success at its third step: deltas 0, -1/2, 1 - 3, 0 + 2 - 4; advantages -1/4, -1, -2, -2.
    Third one, success at its last step, when the time is over as well, so that nothing follows:
    deltas 0, -1/2, -1, 1 - 4; advantages -15/64, -15/16, -7/4, -3.
    """
    rollout = rollout_with(
        reward=[[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]],
        terminated=[[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        truncated=[[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
    )
    value = torch.tensor([1.0, 2.0, 3.0, 4.0]).unsqueeze(1).expand(4, 3).requires_grad_()
    imitation = make_imitation(gamma=0.5, gae_lambda=0.5)
    returns = imitation._returns(rollout, torch.arange(3), value)
    assert returns.T.tolist() == [
        [1.75, 1.0, 2.0, 4.0],
        [0.75, 1.0, 1.0, 2.0],
        [1 - 15 / 64, 2 - 15 / 16, 3 - 7 / 4, 1.0],
    ]
    assert not returns.requires_grad
    chosen = imitation._returns(rollout, torch.tensor([1]), value[:, 1:2])
    assert torch.equal(chosen, returns[:, 1:2])


def test_truncation_is_not_taken_for_the_end_of_all_reward() -> None:
    """A chain without end that pays 1 a step is worth 1 / (1 - gamma) wherever time runs out; one that ends is not."""
    reward = [[1.0] * 8]
    worth = torch.full((8, 1), 10.0)
    imitation = make_imitation(gamma=0.9, gae_lambda=0.7)
    truncated = rollout_with(reward, terminated=[[0] * 8], truncated=[[0, 0, 1, 0, 0, 0, 1, 0]])
    torch.testing.assert_close(imitation._returns(truncated, torch.arange(1), worth), worth)
    terminated = rollout_with(reward, terminated=[[0, 0, 1, 0, 0, 0, 1, 0]], truncated=[[0] * 8])
    assert (imitation._returns(terminated, torch.arange(1), worth)[:7] < 9).all()


# Rollouts to learn from


def test_every_frame_carries_the_action_of_an_expert_alone_in_its_episode() -> None:
    """Episode follows episode without a gap, and where one begins is noted."""
    imitation, num_steps = make_imitation(), 50
    rollout = taught(imitation, envs_of(count=120), num_steps=num_steps).collect()
    assert (rollout.columns["label"] != NO_LABEL).all()
    assert torch.equal(rollout.action, rollout.columns["label"])
    assert rollout.is_first[0].all()
    bank = EpisodeBank.of_seeds(LEVEL, range(120))
    for b in range(B):
        starts = [*torch.nonzero(rollout.is_first[:, b]).flatten().tolist(), num_steps]
        assert len(starts) > 4
        for number, (start, end) in enumerate(itertools.pairwise(starts)):
            worlds = WorldBatch(bank.take(np.array([b + number * B])), 1, shuffle=False)
            worlds.reset()
            alone = Expert(worlds)
            for step in range(start, end):
                seen = rollout.observation["image"][step, b].flatten().tolist()
                assert seen == worlds.observations.image[0].tolist()
                assert int(rollout.columns["label"][step, b]) == int(alone.actions()[0])
                worlds.step(alone.actions(), autoreset=False)
            assert end == num_steps or worlds.outcomes.success[0]


def test_expert_that_takes_over_acts_until_the_episode_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = taught(make_imitation(), envs_of(count=120), num_steps=60)
    collector.teacher_share, collector.handover = 0.25, 0.1
    flags: list[Tensor] = []
    take_over = collector._take_over

    def noted(is_first: Tensor) -> Tensor:
        flags.append(take_over(is_first).clone())
        return flags[-1]

    monkeypatch.setattr(collector, "_take_over", noted)
    rollout = collector.collect()
    taken, first, label = torch.stack(flags), rollout.is_first, rollout.columns["label"]
    assert torch.equal(rollout.action[taken], label[taken])
    assert (rollout.action[~taken] != label[~taken]).any(), "the agent acts elsewhere"
    goes_on = ~first[1:] & taken[:-1]
    assert taken[1:][goes_on].all()
    starts, later = taken[first].float().mean(), taken[1:][~first[1:] & ~taken[:-1]].float().mean()
    assert 0.25 < float(starts) < 0.45, "a quarter from the start, a tenth of the others at once"
    assert float(later) == pytest.approx(0.1, abs=0.04)
    again = taught(make_imitation(), envs_of(count=120), num_steps=60)
    again.load_state_dict(collector.state_dict())
    assert torch.equal(again._is_taken_over, collector._is_taken_over)


def test_frames_in_which_the_expert_is_lost_carry_no_label() -> None:
    """Nobody can solve the level's sixth seed: a locked room with its key inside."""
    bank = EpisodeBank.of_seeds("BabyAI-GoToImpUnlock-v0", [6, 1])
    envs = make_vec(bank=bank, num_envs=2, shuffle=False, copy=False)
    collector = taught(make_imitation(), envs, num_steps=40)
    for _ in range(12):  # the expert looks everywhere first
        rollout = collector.collect()
    assert (rollout.columns["label"][:, 0] == NO_LABEL).all()
    assert (rollout.action[:, 0] == Action.DONE).all()
    assert (rollout.columns["label"][:, 1] != NO_LABEL).all()


@pytest.mark.parametrize("memory", ["gru", "lstm"])
@pytest.mark.parametrize("minibatch_size", [T, 2 * T, B * T])
def test_memory_is_carried_from_one_rollout_to_the_next(memory: str, minibatch_size: int) -> None:
    """Two rollouts of T leave an agent that does not change in the same state as one of 2T."""
    imitation = make_imitation(memory, minibatch_size=minibatch_size)
    imitation.optimizer.param_groups[0]["lr"] = 0.0
    collector = taught(imitation, envs_of("BabyAI-GoToObjMaze-v0"))  # episodes are longer than a rollout
    parts: list[dict[str, Tensor]] = []
    states: list[Tensor] = []
    for _ in range(2):
        rollout = collector.collect()
        states.append(rollout.initial_state.clone())
        part = {**rollout.observation, "is_first": rollout.is_first}
        parts.append({name: array.clone() for name, array in part.items()})
        imitation.learn(rollout)
        states.append(rollout.final_state.clone())
    assert not states[0].any()
    assert torch.equal(states[1], states[2])
    assert states[1].any(dim=1).all()
    whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    prepared = imitation.agent.prepare({k: v.flatten(0, 1) for k, v in whole.items() if k != "is_first"})
    with torch.no_grad():
        decision = imitation.agent(prepared, imitation.agent.initial_state(B), whole["is_first"])
    torch.testing.assert_close(states[3], decision.state, rtol=1e-4, atol=1e-5)
    forgotten = imitation.agent.initial_state(B)
    prepared = imitation.agent.prepare({k: v[T:].flatten(0, 1) for k, v in whole.items() if k != "is_first"})
    with torch.no_grad():
        wrong = imitation.agent(prepared, forgotten, whole["is_first"][T:]).state
    assert (states[3] - wrong).abs().max() > 1e-3  # control: the second half alone ends elsewhere


# The update


@pytest.mark.parametrize(("minibatch_size", "size"), [(1, 1), (2 * T + 1, 2), (4 * T, 4), (B * T, B)])
def test_whole_environments_are_drawn_once_an_epoch(minibatch_size: int, size: int) -> None:
    imitation = make_imitation(minibatch_size=minibatch_size, num_epochs=3)
    drawn = list(imitation._minibatches(T, B))
    assert max(map(len, drawn)) == size
    assert torch.bincount(torch.cat(drawn)).tolist() == [3] * B
    orders = torch.cat(drawn).split(B)
    assert not all(torch.equal(order, orders[0]) for order in orders[1:])


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_update_makes_the_labels_likelier_and_the_value_better(memory: str) -> None:
    imitation = make_imitation(memory, num_epochs=10, learning_rate=3e-3, value_coef=1.0)
    rollout = taught(imitation, envs_of(), num_steps=T).collect()
    first = make_imitation(memory, num_epochs=1, minibatch_size=B * T).learn(rollout)
    imitation.learn(rollout)
    settings = ImitationConfig(num_steps=T)
    last = make_algorithm(BehaviorCloning, imitation.agent, settings, num_envs=B).learn(rollout)
    assert last["imitation_loss"] < 0.8 * first["imitation_loss"]
    assert last["accuracy"] > first["accuracy"]
    assert last["value_loss"] < first["value_loss"]


def test_first_metrics_are_those_of_an_agent_that_knows_nothing() -> None:
    imitation = make_imitation(minibatch_size=B * T)
    rollout = taught(imitation, envs_of()).collect()
    metrics = imitation.learn(rollout)
    assert set(metrics) == {*METRICS, "teacher_share"}
    assert metrics["imitation_loss"] == pytest.approx(math.log(len(Action)), abs=0.05)
    assert metrics["entropy"] == pytest.approx(math.log(len(Action)), abs=0.01)
    assert metrics["gradient_norm"] > 0


def test_gradients_are_scaled_down_to_the_largest_norm() -> None:
    imitation = make_imitation(minibatch_size=B * T, max_grad_norm=1e-4)
    imitation.learn(taught(imitation, envs_of()).collect())
    squares = [p.grad.square().sum() for p in imitation.agent.parameters() if p.grad is not None]
    assert float(torch.stack(squares).sum().sqrt()) == pytest.approx(1e-4, rel=1e-2)


def test_learning_rate_falls_linearly_only_where_it_is_annealed() -> None:
    for anneal, expected in ((True, 0.25e-3), (False, 1e-3)):
        imitation = make_imitation(anneal=anneal, learning_rate=1e-3)
        metrics = imitation.update(taught(imitation, envs_of()).collect(), 0.75)
        assert [group["lr"] for group in imitation.optimizer.param_groups] == [pytest.approx(expected)]
        assert metrics["learning_rate"] == pytest.approx(expected)


def test_rollout_without_labels_leaves_the_agent_as_it_is() -> None:
    imitation = make_imitation(value_coef=0.0)
    rollout = taught(imitation, envs_of()).collect()
    rollout.columns["label"].fill_(NO_LABEL)
    before = {name: value.clone() for name, value in imitation.agent.state_dict().items()}
    imitation.learn(rollout)
    assert all(torch.equal(value, before[name]) for name, value in imitation.agent.state_dict().items())


# Runs


@pytest.mark.parametrize("task", ["BabyAI-GoToObjS4-v0", LEVEL])
def test_short_run_of_behavior_cloning_imitates_the_expert_far_above_chance(task: str, tmp_path: Path) -> None:
    config = TrainConfig(
        algorithm="bc",
        task=task,
        held_out=NOTHING_HELD_OUT,
        total_frames=64 * 10 * 45,
        num_envs=64,
        bank_size=256,
        imitation=ImitationConfig(num_steps=10, minibatch_size=160, learning_rate=3e-3),
    )
    trainer = Trainer(config, tmp_path)
    trainer.run()
    labels = Counter(trainer.algorithm.collector.rollout.columns["label"].flatten().tolist())
    most_frequent = max(labels.values()) / labels.total()
    rows = metrics_of(tmp_path)
    assert most_frequent < 0.7
    assert np.mean([row["accuracy"] for row in rows[-5:]]) > most_frequent + 0.12
    assert rows[-1]["imitation_loss"] < 0.5 * rows[0]["imitation_loss"]
    assert rows[-1]["success"] == 1  # the expert's own


@pytest.mark.parametrize(
    ("algorithm", "mixing", "kept", "shares"),
    [
        ("dagger", 0.5, 0.0, [1, 0.75, 0.5, 0.25, 0, 0, 0, 0]),
        ("dagger", 1.0, 0.0, [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("dagger", 0.0, 0.0, [0] * 8),
        ("dagger", 0.5, 0.5, [1, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5, 0.5]),
        ("dagger", 0.0, 0.25, [0.25] * 8),
        ("bc", 0.5, 0.5, [1] * 8),
    ],
)
def test_share_of_the_teacher_follows_its_schedule(
    algorithm: str, mixing: float, kept: float, shares: list[float]
) -> None:
    imitation = ImitationConfig(num_steps=12, minibatch_size=48, mixing=mixing, kept_share=kept)
    config = config_of(algorithm, imitation=imitation, total_frames=8 * 12 * 8)
    assert config.num_updates == 8
    kind: type[Imitation] = DAgger if algorithm == "dagger" else BehaviorCloning
    agent = ActorCritic(config.agent)
    made = make_algorithm(kind, agent, imitation, num_envs=8, total_frames=config.total_frames)
    assert [made.teacher_share(updates / 8) for updates in range(8)] == shares


def test_dagger_acts_as_the_teacher_at_first_and_on_its_own_in_the_end(tmp_path: Path) -> None:
    """The agent is new, so its own actions are any of seven; by its share the teacher's are taken instead."""
    imitation = ImitationConfig(num_steps=20, minibatch_size=320, mixing=0.5, learning_rate=1e-9)
    config = config_of("dagger", imitation=imitation, num_envs=32, total_frames=32 * 20 * 8)
    trainer = Trainer(config, tmp_path)
    agreement = []
    for _ in range(8):
        trainer.train_once()
        rollout = trainer.algorithm.collector.rollout
        agreement.append(float((rollout.action == rollout.columns["label"]).float().mean()))
    assert agreement[0] == 1
    expected = [share + (1 - share) / 7 for share in (0.75, 0.5, 0.25, 0, 0, 0, 0)]
    np.testing.assert_allclose(agreement[1:], expected, atol=0.06)


def test_behavior_cloning_plays_recorded_demonstrations_exactly_as_they_were_recorded(tmp_path: Path) -> None:
    recorded = record(LEVEL, 30, seed=5)
    recorded.save(tmp_path / "set.demos")
    imitation = ImitationConfig(num_steps=40, minibatch_size=160, demonstrations=str(tmp_path / "set.demos"))
    config = config_of("bc", task=LEVEL, imitation=imitation, total_frames=8 * 40 * 3)
    trainer = Trainer(config, tmp_path / "run")
    assert trainer.envs.bank.seeds.tolist() == recorded.bank.seeds.tolist()
    known = [recorded.actions[start:end].tolist() for start, end in itertools.pairwise(recorded.starts)]
    rows = trainer.envs.worlds.state.episode.tolist()
    metrics = trainer.train_once()
    assert metrics["success"] == 1
    assert metrics["episodes"] > 20
    rollout = trainer.algorithm.collector.rollout
    assert torch.equal(rollout.action, rollout.columns["label"])
    assert not rollout.truncated.any()
    for b in range(8):
        starts = torch.nonzero(rollout.is_first[:, b]).flatten().tolist()
        episodes = [rollout.action[start:end, b].tolist() for start, end in itertools.pairwise(starts)]
        assert episodes[0] == known[rows[b]]
        assert all(episode in known for episode in episodes)
    assert trainer.run().metrics["success"] == 1


def test_demonstrations_of_another_task_are_refused(tmp_path: Path) -> None:
    record(LEVEL, 8, seed=5).save(tmp_path / "set.demos")
    imitation = ImitationConfig(num_steps=12, minibatch_size=48, demonstrations=str(tmp_path / "set.demos"))
    with pytest.raises(DemonstrationFileError, match=f"demonstrations of {LEVEL}, not of BabyAI-GoToObjS4-v0"):
        Trainer(config_of("bc", imitation=imitation), tmp_path / "run")


def test_run_imitates_no_recorded_instruction_that_it_holds_out(tmp_path: Path) -> None:
    record(LEVEL, 60, seed=5, split="all").save(tmp_path / "set.demos")
    imitation = ImitationConfig(num_steps=12, minibatch_size=48, demonstrations=str(tmp_path / "set.demos"))
    held_out = HeldOut(combinations=("red ball", "blue key"))
    config = config_of("bc", task=LEVEL, imitation=imitation, held_out=held_out)
    with contextlib.suppress(GroundlingError):  # to refuse them would be as good
        told = Trainer(config, tmp_path / "run").envs.bank.instructions
        assert not any(pair in text for text in told for pair in held_out.combinations)


# Runs that start from another one


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of behavior cloning."""
    folder = tmp_path_factory.mktemp("start") / "run"
    train(config_of("bc"), folder)
    return folder


def test_init_copies_the_parameters_of_another_run(start: Path, tmp_path: Path) -> None:
    theirs = Checkpoint.load(start / CHECKPOINT_NAME)
    before = {name: value.clone() for name, value in theirs.agent.items()}
    trainer = Trainer(config_of("ppo", init=str(start)), tmp_path)
    assert trainer.frames == 0
    assert all(torch.equal(value, theirs.agent[name]) for name, value in trainer.agent.state_dict().items())
    trainer.run()
    assert not torch.equal(trainer.agent.state_dict()["policy.weight"], before["policy.weight"])
    again = Checkpoint.load(start / CHECKPOINT_NAME)
    assert all(torch.equal(value, before[name]) for name, value in again.agent.items())


def test_init_of_another_architecture_is_refused_and_the_difference_named(start: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(config_of().agent, hidden_dim=11, blind=True)
    with pytest.raises(ConfigurationError, match=r"built otherwise \(hidden_dim 8, blind False\)"):
        Trainer(config_of("ppo", init=str(start), agent=other), tmp_path)


def test_a_run_may_add_a_map_and_context_to_the_agent_that_it_starts_from(start: Path, tmp_path: Path) -> None:
    larger = dataclasses.replace(config_of().agent, map_radius=5, language="contextual")
    ppo = PPOConfig(num_steps=12, minibatch_size=48, kl_coef=0.5)
    trainer = Trainer(config_of("ppo", init=str(start), agent=larger, ppo=ppo), tmp_path / "run")
    theirs = Checkpoint.load(start / CHECKPOINT_NAME).make_agent()
    observation = trainer.algorithm.collector.observation
    count = len(observation["image"])
    first = torch.ones(1, count, dtype=torch.bool)
    with torch.no_grad():
        ours, before = (
            agent(agent.prepare(observation), agent.initial_state(count), first).logits
            for agent in (trainer.agent, theirs)
        )
    torch.testing.assert_close(ours, before, rtol=1e-4, atol=1e-5)
    trainer.run()
    assert trainer.agent.get_parameter("encoder.map.spatial.weight").abs().max() > 0
    assert trainer.agent.get_parameter("encoder.language.context.weight").abs().max() > 0
    resumed = Trainer(trainer.config, tmp_path / "run", resume=True)
    assert not reference_of(resumed).get_parameter("encoder.map.spatial.weight").any()


def test_init_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*nowhere"):
        Trainer(config_of("ppo", init=str(tmp_path / "nowhere")), tmp_path / "run")


@pytest.mark.parametrize("what", ["init", "architecture", "demonstrations"])
def test_run_that_cannot_begin_leaves_no_folder(what: str, start: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    config = {
        "init": lambda: config_of("ppo", init=missing),
        "architecture": lambda: config_of("ppo", "gru", init=str(start)),
        "demonstrations": lambda: config_of(
            "bc", imitation=ImitationConfig(num_steps=12, minibatch_size=48, demonstrations=missing)
        ),
    }[what]()
    with pytest.raises(GroundlingError):
        Trainer(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_run_kept_near_another_goes_on_without_that_one(start: Path, tmp_path: Path) -> None:
    """What it is kept near to is in its own checkpoint."""
    ppo = PPOConfig(num_steps=12, minibatch_size=48, kl_coef=0.5)
    config = config_of("ppo", init=str(tmp_path / "copied"), ppo=ppo)
    (tmp_path / "copied").mkdir()
    source = (start / CHECKPOINT_NAME).read_bytes()
    (tmp_path / "copied" / CHECKPOINT_NAME).write_bytes(source)
    Trainer(config, tmp_path / "run").run(stop_after_updates=1)
    (tmp_path / "copied" / CHECKPOINT_NAME).unlink()
    resumed = Trainer(config, tmp_path / "run", resume=True)
    theirs = Checkpoint.load(start / CHECKPOINT_NAME).agent
    assert all(torch.equal(value, theirs[name]) for name, value in reference_of(resumed).state_dict().items())
    assert not any(parameter.requires_grad for parameter in reference_of(resumed).parameters())
    resumed.run()
    assert all(torch.equal(value, theirs[name]) for name, value in reference_of(resumed).state_dict().items())


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_large_penalty_keeps_the_policy_near_the_one_that_it_starts_from(memory: str, tmp_path: Path) -> None:
    train(config_of("bc", memory), tmp_path / "start")
    divergence = {}
    for kl_coef in (0.0, 10.0):
        ppo = PPOConfig(
            num_steps=12, minibatch_size=48, num_epochs=4, learning_rate=1e-2, max_grad_norm=10, kl_coef=kl_coef
        )
        config = config_of("ppo", memory, init=str(tmp_path / "start"), ppo=ppo)
        trainer = Trainer(config, tmp_path / str(kl_coef))
        trainer.run()
        rollout = trainer.algorithm.collector.rollout
        before = Checkpoint.load(tmp_path / "start" / CHECKPOINT_NAME).make_agent()
        prepared = before.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
        with torch.no_grad():
            policies = [
                agent(prepared, agent.initial_state(8), rollout.is_first).logits.log_softmax(dim=-1)
                for agent in (trainer.agent, before)
            ]
        divergence[kl_coef] = float(kl_divergence(*policies))
    assert 0 < divergence[10.0] < 0.2 * divergence[0.0]
