"""The contrastive reward: what it pays by its encoder, what it remembers, and what it refuses."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nce_runs import nce_config
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.agents import AgentConfig
from groundling.errors import CheckpointError, ConfigurationError
from groundling.interfaces import Transition
from groundling.language.vocabulary import VOCABULARY
from groundling.training import TrainConfig, Trainer, train
from groundling.training.contrastive.saved import SavedEncoder
from groundling.training.rewards.contrastive import ContrastiveConfig, ContrastiveReward

NEGATIVES = 4


@pytest.fixture(scope="module", params=[True, False], ids=["gated", "apart"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an encoder that has hardly learned."""
    folder = tmp_path_factory.mktemp("model") / "nce"
    train(nce_config(gated=request.param), folder)
    return folder


def paid_config(model: Path, form: Any = "direct", **changes: Any) -> TrainConfig:
    settings = ContrastiveConfig(model=str(model), negatives=NEGATIVES, form=form)
    return make_config(**{"reward": ("contrastive",), "contrastive": settings, **changes})


class Played:
    """Steps of random actions in the environments of a run: what its reward pays, and all that is seen."""

    def __init__(self, config: TrainConfig, folder: Path, steps: int = 30) -> None:
        trainer = Trainer(config, folder)
        self.reward: ContrastiveReward = trainer.rewards.terms["contrastive"]  # type: ignore[assignment]
        observation, _ = trainer.envs.reset(seed=3)
        rng = np.random.default_rng(0)
        self.paid, self.ended, self.taken = [], [], []
        self.frames = [[_of(observation, row)] for row in range(config.num_envs)]  # of the present episodes
        self.clips: list[list[Any]] = []
        for _ in range(steps):
            before = {key: np.array(array) for key, array in observation.items()}
            actions = rng.integers(0, 3, config.num_envs)
            observation, pay, terminated, truncated, info = trainer.envs.step(actions)
            step = Transition(before, actions, observation, pay, terminated, truncated, info)
            reached = {key: step.reached(key) for key in observation}
            for row, frames in enumerate(self.frames):
                frames.append(_of(reached, row))
            self.clips.append([list(frames) for frames in self.frames])
            self.paid.append(self.reward(step))
            self.taken.append(self.reward.verdicts(step))
            self.ended.append(terminated | truncated)
            for row in np.flatnonzero(self.ended[-1]):
                self.frames[row] = [_of(observation, row)]
        trainer.envs.close()


def _of(observation: Any, row: int) -> dict[str, Any]:
    return {key: np.array(array[row]) for key, array in observation.items()}


@torch.no_grad()
def probability(model: Path, reward: ContrastiveReward, frames: list[dict[str, Any]]) -> float:
    """P of the docstring, of one clip at a time, frame by frame and sentence by sentence."""
    saved = SavedEncoder.of_run(str(model))
    encoder = saved.make_encoder()
    tokens = frames[-1]["instruction"].astype(np.int64)
    scores = []
    for told in [tokens, *reward.negatives_of(tokens)]:
        features = []
        for frame in frames[-saved.clip_length :]:
            one = {key: frame[key][None] for key in encoder.frame_keys}
            features.append(encoder.encode_frames(one, told[None])[0])
        hidden = torch.cat([torch.stack(features).mean(dim=0), features[-1]])
        clip = encoder.heads["clip"](torch.relu(encoder.heads["pool"](hidden)))
        sentence = encoder.encode_sentences(told[None])[0]
        scores.append(encoder.scale * torch.nn.functional.cosine_similarity(clip, sentence, dim=0))
    scores.append(encoder.scale * encoder.nothing)
    return float(torch.stack(scores).softmax(dim=0)[0])


def test_it_pays_the_probability_of_the_instruction_beyond_chance(model: Path, tmp_path: Path) -> None:
    """The reward of a batch against clips that are encoded one by one; no clip reaches into another episode."""
    played = Played(paid_config(model), tmp_path / "run")
    assert np.array(played.ended).any()
    seen = 0
    for step in (0, 1, 5, *range(10, 30)):
        for row in (0, 3, 5):
            expected = probability(model, played.reward, played.clips[step][row])
            assert played.paid[step][row] == pytest.approx(max(expected - 1 / (NEGATIVES + 2), 0), abs=1e-5)
            assert played.taken[step][row] == (expected > 0.5)
            seen += expected > 1 / (NEGATIVES + 2)
    assert seen


def test_delta_pays_the_increase_and_begins_anew_with_each_episode(model: Path, tmp_path: Path) -> None:
    direct, delta = (Played(paid_config(model, form), tmp_path / form) for form in ("direct", "delta"))
    assert (direct.reward.potential, delta.reward.potential) == ("none", "history")
    before = np.zeros(8)
    for paid, increase, ended in zip(direct.paid, delta.paid, direct.ended, strict=True):
        assert increase == pytest.approx(paid - before)
        before = np.where(ended, 0.0, paid)


def test_negatives_ask_for_something_else_and_those_with_a_swapped_word_come_first(model: Path, tmp_path: Path) -> None:
    trainer = Trainer(paid_config(model), tmp_path / "run")
    reward: Any = trainer.rewards.terms["contrastive"]
    tokens = VOCABULARY.encode("go to the red ball", length=24).astype(np.int64)
    told = [VOCABULARY.decode(row) for row in reward.negatives_of(tokens)]
    assert len(told) == NEGATIVES
    for text in told:
        words = text.split()
        assert len(words) == 5
        assert sum(ours != theirs for ours, theirs in zip(words, ["go", "to", "the", "red", "ball"], strict=True)) == 1
    assert told == [VOCABULARY.decode(row) for row in reward.negatives_of(tokens)]
    many = dataclasses.replace(reward.settings, negatives=60)
    reward.settings = many
    meaning = reward._meanings.meaning(tokens)
    assert all(reward._meanings.meaning(row) != meaning for row in reward.negatives_of(tokens))
    trainer.envs.close()


@pytest.mark.parametrize("form", ["direct", "delta"])
def test_resumed_run_is_bit_equal_even_where_the_run_of_its_encoder_is_gone(
    form: Any, model: Path, tmp_path: Path
) -> None:
    shutil.copytree(model, tmp_path / "nce")
    config = paid_config(tmp_path / "nce", form)
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=2)
    shutil.rmtree(tmp_path / "nce")
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(whole):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert metrics_of(tmp_path / "parts") == metrics_of(tmp_path / "whole")
    assert any(row["reward/contrastive"] != 0 for row in metrics_of(tmp_path / "whole"))
    frozen = Trainer(make_config(reward=(f"frozen:{tmp_path / 'whole'}",)), tmp_path / "frozen")
    assert np.isfinite(frozen.train_once()[f"reward/frozen:{tmp_path / 'whole'}"])
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        Trainer(config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_the_reward_cannot_use_is_refused_in_a_line_that_says_why(model: Path, tmp_path: Path) -> None:
    train(make_config(), tmp_path / "ppo")
    cases: list[tuple[TrainConfig, str]] = [
        (make_config(reward=("contrastive",)), "train one with --algorithm infonce, and name its run folder"),
        (paid_config(tmp_path / "ppo"), "trained with algorithm 'ppo', which compares no clips"),
        (
            paid_config(model, body="rover", agent=AgentConfig(vision="cnn")),
            "was trained in other environments: direction is missing; image is rgb",
        ),
        (paid_config(model, agent=AgentConfig(vision="vector", ignores=("image",))), "reads image, which the agent"),
    ]
    for number, (config, message) in enumerate(cases):
        with pytest.raises(ConfigurationError, match=message):
            Trainer(config, tmp_path / str(number)).run()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"form": "sum"}, "form is one of delta, direct, not 'sum'"),
        ({"negatives": 0}, "negatives must be at least 1"),
        ({"threshold": 1.0}, "threshold must be between 0 and 1"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ContrastiveConfig(**values)
