"""InfoNCE as an algorithm: what its clips show, what it trains, and that runs repeat and go on bit by bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nce_runs import nce_config
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.agents import AgentConfig
from groundling.errors import ConfigurationError
from groundling.language.goal_parts import without_determiners
from groundling.language.grammar import parse
from groundling.language.vocabulary import VOCABULARY
from groundling.training import TrainConfig, Trainer, train
from groundling.training.algorithms.infonce import InfoNCEConfig
from groundling.training.contrastive.clips import ClipPairs

FRONT = (3, 5)  # of the 7 x 7 view
KEY = 5  # MiniGrid's codes of key, ball and box are 5 to 7


def collected(tmp_path: Path, **changes: Any) -> tuple[Trainer, ClipPairs]:
    """A trainer whose expert has played for a while, and all clips that are kept."""
    settings = InfoNCEConfig(num_steps=12, buffer_size=256, **changes)
    trainer = Trainer(nce_config(infonce=settings, task="BabyAI-GoToObj-v0", bank_size=128), tmp_path / "run")
    for _ in range(20):
        trainer.algorithm.collect()
    clips = trainer.algorithm.clips
    return trainer, clips.rows(np.arange(len(clips)))


def faced(frames: np.ndarray) -> np.ndarray:
    """Whether an object is right in front [...] in views [..., 7, 7, 3]."""
    return frames[..., FRONT[0], FRONT[1], 0] >= KEY


def test_clips_end_where_the_goal_is_reached_and_those_that_are_cut_before_it(tmp_path: Path) -> None:
    """In GoToObj the only object is the goal, and to face it ends the episode."""
    _, pairs = collected(tmp_path, clip_length=4, paraphrased=0.0)
    assert len(pairs) > 60
    is_faced = faced(pairs.frames["image"])
    is_frame = np.arange(4) >= 4 - pairs.count[..., None]
    assert is_faced[:, 0, -1].all()
    assert not is_faced[:, 0, :-1][is_frame[:, 0, :-1]].any()
    assert not is_faced[:, 1][is_frame[:, 1]].any()
    assert not pairs.frames["image"][~is_frame].any()
    assert (pairs.count >= 1).all()
    assert (pairs.count[:, 0] > 1).all()  # the frame in which it is faced, and one before
    words = [VOCABULARY.decode(row).split() for row in pairs.tokens]
    looks = pairs.frames["image"][:, 0, -1, FRONT[0], FRONT[1], :2].tolist()
    told = {(words[-2], words[-1]): look for words, look in zip(words, looks, strict=True)}
    assert all(told[sentence[-2], sentence[-1]] == look for sentence, look in zip(words, looks, strict=True))


def test_half_of_the_clips_are_cut_by_one_frame_and_the_others_anywhere(tmp_path: Path) -> None:
    _, pairs = collected(tmp_path, clip_length=16, random_share=0.0)
    count, image = pairs.count, pairs.frames["image"]
    long = np.flatnonzero((count[:, 0] > 3) & (count[:, 0] < 16))
    assert len(long) > 20
    near = [
        count[row, 1] == count[row, 0] - 1
        and np.array_equal(image[row, 1, 1 - count[row, 0] :], image[row, 0, -count[row, 0] : -1])
        for row in long
    ]
    assert 0.4 < np.mean(near) < 0.95
    for row in long:  # the frames of a clip that was cut are the first ones of the whole one
        size = count[row, 1]
        assert np.array_equal(image[row, 1, -size:], image[row, 0, 16 - count[row, 0] :][:size])


def test_sentences_are_said_otherwise_without_changing_what_they_ask_for(tmp_path: Path) -> None:
    trainer, pairs = collected(tmp_path, paraphrased=1.0)
    texts = [VOCABULARY.decode(row) for row in pairs.tokens]
    canonical = set(trainer.compiled_envs.bank.instructions)  # type: ignore[union-attr]
    others = [text for text in texts if text not in canonical]
    assert len(set(others)) > 20
    goals = {without_determiners(parse(text)) for text in canonical}
    assert {without_determiners(parse(text)) for text in others} <= goals
    for text, meaning in zip(texts, pairs.meaning.tolist(), strict=True):
        sentences = trainer.algorithm.collector.sentences
        assert sentences.meaning(VOCABULARY.encode(text, length=24)) == meaning
    held_out = {*trainer.config.held_out.synonyms}
    assert not held_out & {word for text in texts for word in text.split()}


@pytest.mark.parametrize("stop", [1, 3])
def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(stop: int, tmp_path: Path) -> None:
    config = nce_config()
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=stop)
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(whole):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert metrics_of(tmp_path / "parts") == metrics_of(tmp_path / "whole")
    assert metrics_of(tmp_path / "whole")[-1]["contrastive_loss"] > 0


def test_it_trains_the_encoders_and_the_heads_and_leaves_policy_and_value_as_they_were_drawn(tmp_path: Path) -> None:
    trainer = Trainer(nce_config(), tmp_path / "run")
    before = {name: array.clone() for name, array in trainer.algorithm.encoder.state_dict().items()}
    trainer.run()
    after = trainer.algorithm.encoder.state_dict()
    changed = {name for name, array in after.items() if not torch.equal(array, before[name])}
    assert {"agent.policy.weight", "agent.value.weight"}.isdisjoint(changed)
    parts = ("agent.encoder.vision.", "agent.encoder.language.", "agent.encoder.spatial.", "heads.pool", "heads.clip")
    for part in (*parts, "heads.sentence", "nothing", "log_scale"):
        assert any(name.startswith(part) for name in changed), part


def test_ppo_begins_with_the_encoders_by_init(tmp_path: Path) -> None:
    train(nce_config(), tmp_path / "nce")
    config = make_config(init=str(tmp_path / "nce"))
    trainer = Trainer(config, tmp_path / "run")
    assert_same(trainer.agent.state_dict(), checkpoint_of(tmp_path / "nce").agent)
    trainer.run()


@pytest.mark.slow
def test_clips_find_their_sentences_among_others_and_swapped_ones(tmp_path: Path) -> None:
    settings = InfoNCEConfig(buffer_size=1024)
    config = TrainConfig(
        algorithm="infonce",
        task="BabyAI-GoToObj-v0",
        total_frames=60_000,
        num_envs=64,
        bank_size=1024,
        infonce=settings,
    )
    metrics = train(config, tmp_path / "run").metrics
    assert metrics["accuracy"] > 0.9
    assert metrics["undone"] > 0.9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": ("distance",)}, "learns from no reward: leave out --reward distance"),
        ({"agent": AgentConfig(blind=True)}, "a blind agent sees no clips"),
    ],
)
def test_what_a_run_cannot_use_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        nce_config(**changes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"clip_length": 0}, "clip_length must be at least 1"),
        ({"random_share": 1.5}, "random_share must be between 0 and 1"),
        ({"expert": "all"}, "expert is one of"),
        ({"swaps": -1}, "swaps must be at least 0"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        InfoNCEConfig(**values)


def test_agent_without_a_language_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="vision 'vector' has no language encoder"):
        Trainer(nce_config(agent=AgentConfig(vision="vector", ignores=("image",))), tmp_path / "run")
    assert not (tmp_path / "run").exists()
