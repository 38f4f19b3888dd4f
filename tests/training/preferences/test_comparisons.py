"""Files of comparisons, the reward that is learned from them, and DPO: hand-made trajectories with known answers."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.errors import ConfigurationError, PreferenceFileError
from groundling.language.vocabulary import Vocabulary
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.algorithms.dpo import DPOConfig, dpo_loss, log_likelihoods
from groundling.training.preferences.comparisons import FIRST, SECOND, UNLABELLED, Comparisons
from groundling.training.preferences.reward_model import PreferenceModel, PreferencesConfig, margin
from groundling.training.preferences.segments import Segments, agreement, preference_loss

TASK = "BabyAI-GoToObjS4-v0"
AGENT = AgentConfig(word_dim=8, instruction_dim=8, hidden_dim=16)
GOOD, BAD = 1, 2  # actions; somebody prefers trajectories with more of the first


def made(pairs: int = 24, steps: int = 6, seed: int = 0) -> Comparisons:
    """Pairs of trajectories of random views, of which the one with more good actions is preferred."""
    generator, spec = np.random.default_rng(seed), ActorCritic(AGENT).spec
    image = np.stack([generator.integers(1, 10, (pairs, 2, steps, 7, 7)), *(2 * [np.zeros((pairs, 2, steps, 7, 7))])])
    action = generator.choice([GOOD, BAD], (pairs, 2, steps))
    length = generator.integers(2, steps + 1, (pairs, 2))
    good = np.array([[(a[:n] == GOOD).sum() - (a[:n] == BAD).sum() for a, n in zip(*pair, strict=True)]
                     for pair in zip(action, length, strict=True)])  # fmt: skip
    tokens = np.zeros((pairs, 2, steps, spec.observation["instruction"].shape[0]), dtype=np.int32)
    tokens[..., :3] = [1, 2, 3]
    return Comparisons(
        observation={
            "image": np.moveaxis(image, 0, -1).astype(np.uint8),
            "direction": generator.integers(0, 4, (pairs, 2, steps)),
            "instruction": tokens,
        },
        action=action.astype(np.int64),
        length=length.astype(np.int64),
        returns=good.astype(np.float64),
        success=good > 0,
        label=np.select([good[:, 0] > good[:, 1], good[:, 0] < good[:, 1]], [FIRST, SECOND], 0.5),
        texts=("go to the ball",) * pairs,
        spec=spec,
        tasks=(TASK,),
        labeller="a test",
    )


def same(ours: Comparisons, theirs: Comparisons) -> bool:
    plain = all(getattr(ours, name) == getattr(theirs, name) for name in ("texts", "spec", "tasks", "labeller"))
    arrays = ("action", "length", "returns", "success", "label")
    return (
        plain
        and all(np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in arrays)
        and all(np.array_equal(ours.observation[key], theirs.observation[key]) for key in ours.observation)
    )


def test_file_holds_what_was_saved(tmp_path: Path) -> None:
    comparisons = made()
    comparisons.save(tmp_path / "some" / "comparisons.npz")
    loaded = Comparisons.load(tmp_path / "some" / "comparisons.npz")
    assert same(loaded, comparisons)
    assert loaded.observation["image"].dtype == np.uint8


def test_torn_foreign_and_missing_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.npz"
    made().save(path)
    whole = path.read_bytes()
    torn = {"half": whole[: len(whole) // 2], "empty": b"", "flipped": whole[:2000] + b"\xff" + whole[2001:]}
    for name, content in torn.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PreferenceFileError, match=f"{name} is no whole file of comparisons") as caught:
            Comparisons.load(tmp_path / name)
        assert "\n" not in str(caught.value)
    np.savez(tmp_path / "other.npz", facts=np.frombuffer(b'{"kind": "x"}', dtype=np.uint8))
    with pytest.raises(PreferenceFileError, match="is no file of comparisons"):
        Comparisons.load(tmp_path / "other.npz")
    with pytest.raises(PreferenceFileError, match="there is no file of comparisons"):
        Comparisons.load(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "format 2, this Groundling reads format 1"),
        ({"texts": ["x"]}, "lacks parts"),
        ({"spec": 3}, "lacks parts"),
    ],
)
def test_files_of_another_version_or_with_parts_missing_are_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = tmp_path / "comparisons.npz"
    made().save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    facts = {**json.loads(arrays.pop("facts").tobytes()), **change}
    np.savez(path, facts=np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8), **arrays)
    with pytest.raises(PreferenceFileError, match=told):
        Comparisons.load(path)


def test_comparisons_of_another_vocabulary_are_refused() -> None:
    comparisons = made()
    comparisons.check(comparisons.spec, "file")
    other = dataclasses.replace(comparisons.spec, vocabulary=Vocabulary.of(("other", "words")))
    with pytest.raises(PreferenceFileError, match=r"file were made in other environments: the vocabulary has 4 words"):
        comparisons.check(other, "file")


def test_only_labelled_pairs_are_learned_from() -> None:
    comparisons = made(4)
    some = comparisons.with_labels(np.array([1.0, UNLABELLED, 0.5, UNLABELLED]), "x").labelled
    assert some.label.tolist() == [1.0, 0.5]
    assert np.array_equal(some.action, comparisons.action[[0, 2]])
    with pytest.raises(PreferenceFileError, match="nobody has compared"):
        _ = comparisons.with_labels(np.full(4, UNLABELLED), "").labelled


def test_sums_are_of_the_actions_taken_until_the_trajectory_ends() -> None:
    comparisons = made(3, steps=4)
    segments = Segments.of(comparisons, ActorCritic(AGENT))
    values = torch.arange(4 * 6 * 7, dtype=torch.float32).reshape(4, 6, 7)
    first, second = segments.of_actions(values)
    for pair in range(3):
        for side, found in enumerate((first, second)):
            row = pair + 3 * side
            steps = range(comparisons.length[pair, side])
            assert found[pair] == sum(values[t, row, comparisons.action[pair, side, t]] for t in steps)


def test_padding_order_and_batch_do_not_change_log_likelihoods() -> None:
    torch.manual_seed(0)
    agent = ActorCritic(dataclasses.replace(AGENT, memory="gru", memory_dim=8))
    torch.nn.init.normal_(agent.policy.weight)
    segments = Segments.of(made(6), agent)
    first, second = log_likelihoods(agent, segments)
    for pair in range(6):
        alone = log_likelihoods(agent, segments.take(torch.tensor([pair])))
        assert torch.allclose(torch.stack(alone).squeeze(1), torch.stack([first[pair], second[pair]]), atol=1e-5)


def test_preference_loss_is_that_of_bradley_and_terry() -> None:
    margins, target = torch.tensor([2.0, -1.0, 0.3]), torch.tensor([1.0, 0.0, 0.5])
    terms = [math.log1p(math.exp(-2.0)), math.log1p(math.exp(-1.0))]
    terms.append(0.5 * math.log1p(math.exp(-0.3)) + 0.5 * math.log1p(math.exp(0.3)))
    assert float(preference_loss(margins, target)) == pytest.approx(sum(terms) / 3)
    assert agreement(torch.tensor([2.0, 1.0, 9.0]), target) == 0.5
    assert math.isnan(agreement(torch.ones(1), torch.tensor([0.5])))


def test_dpo_loss_at_the_reference_is_log_two_and_falls_with_the_margin() -> None:
    target = torch.tensor([1.0, 0.0])
    assert float(dpo_loss(torch.zeros(2), target)) == pytest.approx(math.log(2))
    assert float(dpo_loss(torch.tensor([1.0, -1.0]), target)) == pytest.approx(math.log1p(math.exp(-1)))
    noisy = 0.9 * math.log1p(math.exp(-1)) + 0.1 * math.log1p(math.exp(1))
    assert float(dpo_loss(torch.tensor([1.0, -1.0]), target, noise=0.1)) == pytest.approx(noisy)


def test_reward_learns_what_is_preferred_and_is_scaled() -> None:
    comparisons, config = made(120), PreferencesConfig("x", False, members=2, epochs=12, learning_rate=3e-3)
    model = PreferenceModel(AGENT, comparisons.spec, config, seed=0)
    told = model.fit(comparisons)
    assert told["comparisons"] == 108
    assert told["held_out_agreement"] > 0.8
    new = Segments.of(made(40, seed=1), model.networks[0])
    first, second = model.returns(new)
    assert agreement(first - second, new.target) > 0.85
    assert float(torch.cat(model.returns(Segments.of(comparisons, model.networks[0]))).std()) == pytest.approx(1)
    observation = {key: array[0] for key, array in new.observation.items()}
    rewards = [model(observation, torch.full((80,), action)) for action in (GOOD, BAD)]
    assert float((rewards[0] > rewards[1]).float().mean()) > 0.9
    one_step = dataclasses.replace(made(40, seed=1), length=np.ones((40, 2), dtype=np.int64))
    returns = torch.cat(model.returns(Segments.of(one_step, model.networks[0])))
    assert torch.allclose(model(observation, new.action[0]), returns, atol=1e-5)


def test_reward_learned_from_turned_preferences_is_turned() -> None:
    comparisons, config = made(120), PreferencesConfig("x", False, members=1, epochs=6, learning_rate=3e-3)
    model = PreferenceModel(AGENT, comparisons.spec, config, seed=0)
    model.fit(comparisons.with_labels(1 - comparisons.label, "contrary"))
    segments = Segments.of(comparisons, model.networks[0])
    first, second = model.returns(segments)
    assert agreement(first - second, segments.target) < 0.2


def test_members_begin_with_the_encoders_of_an_agent_and_with_heads_of_their_own() -> None:
    agent = ActorCritic(dataclasses.replace(AGENT, memory="gru"))
    model = PreferenceModel(agent.config, agent.spec, PreferencesConfig("x", members=2), seed=0)
    model.take_encoders(agent)
    first, second = (member.state_dict() for member in model.networks)
    given = agent.state_dict()
    shared = [name for name in first if name.startswith("encoder.")]
    assert shared
    assert all(torch.equal(first[name], given[name]) and torch.equal(second[name], given[name]) for name in shared)
    assert not torch.equal(first["policy.weight"], second["policy.weight"])


def test_margin_of_a_trajectory_with_itself_is_zero() -> None:
    comparisons = made(4)
    for array in (comparisons.action, comparisons.length, *comparisons.observation.values()):
        array[:, 1] = array[:, 0]
    member = ActorCritic(AGENT)
    torch.nn.init.normal_(member.policy.weight)
    segments = Segments.of(comparisons, member)
    for costs in (True, False):
        assert torch.allclose(margin(member, segments, costs), torch.zeros(4))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run "init" to start from, and a file of comparisons."""
    folder = tmp_path_factory.mktemp("runs")
    Trainer(config(algorithm="bc", total_frames=32 * 20), folder / "init").run()
    comparisons = made(40)
    dataclasses.replace(comparisons, spec=Trainer(config(), folder / "spec").agent.spec).save(folder / "good.npz")
    return folder


def config(**changes: Any) -> TrainConfig:
    settings = changes.pop("settings", (PPOConfig(num_steps=4, minibatch_size=32, num_epochs=1),))
    plain: dict[str, Any] = {"task": TASK, "num_envs": 32, "bank_size": 16, "total_frames": 256, "evaluate_every": 0}
    return TrainConfig(**{**plain, "agent": AGENT, "settings": settings, **changes})


def dpo_config(runs: Path, **changes: Any) -> TrainConfig:
    settings = DPOConfig(str(runs / "good.npz"), most_steps=6, pairs=8, learning_rate=3e-3, beta=0.5)
    return config(algorithm="dpo", init=str(runs / "init"), total_frames=96 * 20, settings=(settings,), **changes)


def test_dpo_makes_preferred_actions_likelier(runs: Path, tmp_path: Path) -> None:
    trainer = Trainer(dpo_config(runs), tmp_path / "run")
    before = {key: value.clone() for key, value in trainer.agent.state_dict().items()}
    first = trainer.train_once()
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-4)  # the agent is its reference
    result = trainer.run()
    assert result.metrics["agreement"] > 0.8
    assert result.metrics["margin"] > 0.1
    new = Segments.of(made(30, seed=5), result.agent)
    after = torch.stack(log_likelihoods(result.agent, new))
    result.agent.load_state_dict(before)
    gain = after - torch.stack(log_likelihoods(result.agent, new)).detach()
    assert agreement(gain[0] - gain[1], new.target) > 0.8


def test_dpo_goes_on_bit_by_bit_without_the_run_it_started_from(runs: Path, tmp_path: Path) -> None:
    whole = Trainer(dpo_config(runs), tmp_path / "whole").run()
    Trainer(dpo_config(runs), tmp_path / "cut").run(stop_after_updates=7)
    (runs / "init").rename(runs / "away")
    try:
        rest = Trainer(dpo_config(runs), tmp_path / "cut", resume=True).run()
    finally:
        (runs / "away").rename(runs / "init")
    assert all(torch.equal(a, b) for a, b in zip(whole.agent.parameters(), rest.agent.parameters(), strict=True))


def test_ppo_is_paid_by_the_learned_reward_which_resumes_and_freezes_without_its_file(
    runs: Path, tmp_path: Path
) -> None:
    file = tmp_path / "comparisons.npz"
    Comparisons.load(runs / "good.npz").save(file)
    ppo = PPOConfig(num_steps=4, minibatch_size=32, num_epochs=1, kl_coef=0.1)
    learned = PreferencesConfig(str(file), members=1, epochs=2)
    paid = config(reward=("preferences",), init=str(runs / "init"), settings=(ppo, learned))
    trainer = Trainer(paid, tmp_path / "run")
    metrics = trainer.train_once()
    assert metrics["reward/preferences/comparisons"] == 36
    assert metrics["reward/preferences"] != 0
    rollout = trainer.algorithm.collector.rollout  # type: ignore[attr-defined]
    term = trainer.rewards.terms["preferences"]
    assert torch.allclose(rollout.reward, torch.as_tensor(term.repaid(rollout), dtype=torch.float32))  # type: ignore[attr-defined]
    trainer.run(stop_after_updates=0)
    file.unlink()
    resumed = Trainer(paid, tmp_path / "run", resume=True).run()
    frozen = Trainer(config(reward=(f"frozen:{tmp_path / 'run'}",)), tmp_path / "frozen")
    assert frozen.train_once()[f"reward/frozen:{tmp_path / 'run'}"] != 0
    assert resumed.frames == 256


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"algorithm": "dpo"}, "needs a file of comparisons"),
        ({"algorithm": "dpo", "settings": (DPOConfig("x"),)}, "starts from the agent"),
        (
            {"algorithm": "dpo", "settings": (DPOConfig("x"),), "init": "y", "reward": ("distance",)},
            "paid by no reward: leave distance out",
        ),
    ],
)
def test_dpo_refuses_what_it_cannot_work_with(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        config(**changes)


def test_mistakes_cost_one_line_and_leave_no_folder(runs: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.npz"
    torn.write_bytes((runs / "good.npz").read_bytes()[:-100])
    good = Comparisons.load(runs / "good.npz")
    other = dataclasses.replace(good.spec, vocabulary=Vocabulary.of(("other", "words")))
    foreign = dataclasses.replace(good, spec=other)
    foreign.save(tmp_path / "foreign.npz")
    with pytest.raises(ConfigurationError, match="needs a file of comparisons"):
        Trainer(config(reward=("preferences",)), tmp_path / "run")
    for path, told in ((torn, "no whole file"), (tmp_path / "foreign.npz", "the vocabulary has")):
        by_reward = config(reward=("preferences",), settings=(PPOConfig(num_steps=64), PreferencesConfig(str(path))))
        by_dpo = config(algorithm="dpo", init=str(runs / "init"), settings=(DPOConfig(str(path)),))
        for wrong in (by_reward, by_dpo):
            with pytest.raises(PreferenceFileError, match=told) as caught:
                Trainer(wrong, tmp_path / "run")
            assert "\n" not in str(caught.value)
            assert not (tmp_path / "run").exists()
