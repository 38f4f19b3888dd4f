"""The reference reader of Messenger: sizes, its formulas written out, what changes nothing, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.assembly import assigned_fields
from groundling.agents.encoders.emma import EmmaConfig, EmmaEncoder, Pooled
from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError
from groundling.language.encoders import SentenceWords
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer

TASK = "groundling/Messenger-S3-v0?frames=3"
SPEC = find_family(TASK).spec
WORD = {word: number for number, word in enumerate(SPEC.vocabulary.words)}
SMALL: dict[str, Any] = {"hidden_dim": 16, "word_dim": 12, "instruction_dim": 10, "language": "bow"}


def agent(key_dim: int = 8, channels: int = 6, **others: Any) -> Any:
    torch.manual_seed(0)
    own = EmmaConfig(key_dim, channels, **{k: v for k, v in others.items() if k == "freezes_keys"})
    changes = {k: v for k, v in others.items() if k != "freezes_keys"}
    return ActorCritic(AgentConfig(vision="emma", settings=(own,), **{**SMALL, **changes}), SPEC)


def seen(count: int = 12, steps: int = 3) -> dict[str, Any]:
    envs = find_family(TASK).make_vec("train", count, 0)
    observation, _ = envs.reset(seed=0)
    for row in np.random.default_rng(0).integers(5, size=(steps, count)):
        observation, *_ = envs.step(row)
    return dict(observation)


def features(made: Any, observation: Any) -> torch.Tensor:
    return made.features(made.prepare(observation))


def test_it_reads_all_frames_and_is_asked_for_by_name() -> None:
    keys = ("manual", "image", "image_1", "image_2", "carried", "valid")
    assert assigned_fields(AgentConfig(vision="emma"), SPEC) == [(EmmaEncoder, keys)]


def test_published_sizes() -> None:
    made: Any = ActorCritic(AgentConfig(vision="emma", hidden_dim=128), SPEC).encoder
    assert made.sprites.embedding_dim == made.key.project.out_features == made.value.project.out_features == 256
    assert made.conv.weight.shape == (64, 3 * 256, 2, 2)
    assert (made.trunk.in_features, made.trunk.out_features) == (5184, 128)
    assert (made.hidden.in_features, made.hidden.out_features) == (128, 128)


@pytest.mark.parametrize("language", ["bow", "transformer"])
def test_every_parameter_learns_and_every_field_counts(language: Any) -> None:
    made, observation = agent(language=language), seen()
    found = features(made, observation)
    assert found.shape == (12, 16)
    found.square().sum().backward()
    assert not [name for name, p in made.encoder.named_parameters() if p.grad is None or not p.grad.any()]
    changes = {key: np.roll(observation[key], 1, axis=0) for key in ("image", "image_1", "image_2", "manual")}
    changes["carried"] = np.where(observation["carried"] > 0, 0, WORD["message"])
    for key, array in changes.items():
        assert not torch.allclose(found, features(made, {**observation, key: array})), key


def test_a_sentence_is_the_mean_of_its_projected_words_weighted_by_their_scores() -> None:
    torch.manual_seed(0)
    pooled, states = Pooled(5, 4), torch.randn(2, 3, 5)
    is_word = torch.tensor([[True, True, True], [True, True, False]])
    weights = pooled.score(states[1, :2]).squeeze(-1).softmax(dim=0)
    expected = sum(w * pooled.project(t) for w, t in zip(weights, states[1], strict=False))
    assert torch.allclose(pooled(states, is_word)[1], expected, atol=1e-6)


def test_cells_and_maps_are_those_of_the_paper() -> None:
    """Everything once more with dense images, one observation, frame, cell and sentence at a time."""
    made, observation = agent(), seen(6)
    observation["carried"] = np.array([0, WORD["message"]] * 3)
    observation["image_1"][2, 3, 4, :2] = WORD["dog"], WORD["ship"]
    observation["image"][1, 5, 5, :2] = WORD["you"], WORD["queen"]
    encoder, prepared = made.encoder, made.prepare(observation).parts[0]
    keys, values = encoder.read(prepared.sentences.tokens)
    dense = torch.zeros(6, 3, 8, 10, 10)
    two_in_a_cell = 0
    for row in range(6):
        number = prepared.sentences.row_of[row]
        for frame, key in enumerate(("image", "image_1", "image_2")):
            for y, x in np.ndindex(10, 10):
                first, second = (int(part) for part in observation[key][row, y, x, :2])
                entities = [second] if second else []
                if second and first not in (WORD["floor"], WORD["you"]):
                    entities.append(first)
                two_in_a_cell += len(entities) == 2
                for entity in entities:
                    query = encoder.sprites.weight[entity]
                    weights = (keys[number] @ query / 8**0.5).softmax(dim=0)
                    dense[row, frame, :, y, x] += weights @ values[number] / 2 / 2
                if first == WORD["you"]:
                    carried = int(observation["carried"][row])
                    dense[row, frame, :, y, x] += encoder.sprites.weight[carried or WORD["you"]] / 2
    maps = functional.leaky_relu(encoder.conv(dense.flatten(1, 2)))
    hidden = functional.leaky_relu(encoder.trunk(maps.flatten(1)))
    expected = functional.leaky_relu(encoder.hidden(hidden))
    assert two_in_a_cell == 1
    assert torch.allclose(encoder(prepared), expected, atol=1e-5)


def test_order_and_padding_of_sentences_and_headings_change_nothing() -> None:
    made, observation = agent(), seen()
    found = features(made, observation)
    turned = {**observation, "manual": observation["manual"][:, ::-1].copy()}
    assert torch.allclose(found, features(made, turned), atol=1e-6)
    headless = observation["image"].copy()
    headless[..., 2] = 0
    assert torch.equal(found, features(made, {**observation, "image": headless}))
    fewer = observation["manual"].copy()
    fewer[:, 3:] = 0
    some = {**observation, "manual": fewer}
    beside = features(made, {key: np.concatenate([some[key], array]) for key, array in observation.items()})
    assert torch.allclose(features(made, some), beside[:12], atol=1e-6)  # three sentences beside others' six
    assert features(made, {**observation, "manual": 0 * fewer}).isfinite().all()


def test_rows_of_a_batch_are_read_as_alone() -> None:
    made, observation = agent(), seen()
    whole = made.prepare(observation)
    some = whole.rows(torch.tensor([7, 2, 7]))
    assert torch.allclose(made.features(some), features(made, observation)[[7, 2, 7]], atol=1e-6)
    assert len(some.parts[0].sentences.tokens) <= 12


def test_a_blind_agent_sees_nothing_and_the_mask_is_a_mask() -> None:
    made, observation = agent(blind=True), seen()
    found = features(made, observation)
    assert torch.allclose(found, found[:1].expand_as(found))
    made = agent()
    decision = made(made.prepare(observation), made.initial_state(12), torch.ones(1, 12, dtype=torch.bool))
    assert ((decision.logits[0] < -1e8) == ~torch.as_tensor(observation["valid"])).all()


@pytest.mark.parametrize("freezes", [False, True])
def test_it_trains_and_is_saved_and_what_is_frozen_stays(freezes: bool, tmp_path: Path) -> None:
    settings = AgentConfig(vision="emma", settings=(EmmaConfig(8, 4, freezes_keys=freezes),), **SMALL)
    config = TrainConfig(task=TASK, num_envs=64, total_frames=2048, agent=settings, ppo=PPOConfig(minibatch_size=512))
    trainer = Trainer(config, tmp_path / "run")
    before = {name: array.clone() for name, array in trainer.agent.state_dict().items()}
    trainer.run()
    kept = Checkpoint.load(tmp_path / "run" / "checkpoint.pt").make_agent()
    moved = {name.split(".")[1] for name, array in kept.state_dict().items() if not torch.equal(array, before[name])}
    assert moved >= {"value", "conv", "trunk", "hidden", "language"}
    assert ({"key", "sprites"} <= moved) != freezes
    observation = seen()
    with torch.no_grad():
        assert torch.equal(features(kept, observation), features(trainer.agent, observation))


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="key_dim must be at least 1, got 0"):
        EmmaConfig(key_dim=0)
    with pytest.raises(ConfigurationError, match="frozen sentence model"):
        AgentConfig(vision="emma", language="sentence-tuned")
    with pytest.raises(ConfigurationError, match="vision 'emma' reads document"):
        ActorCritic(AgentConfig(vision="emma"), find_family("groundling/GoToLocal-v0").spec)


@pytest.mark.slow  # its libraries take seconds to import
def test_frozen_words_are_those_of_each_sentence_alone_and_no_part_of_a_checkpoint() -> None:
    made, observation = agent(language="sentence"), seen(4, 0)
    assert not any("language" in name for name in made.state_dict())
    assert features(made, observation).isfinite().all()
    words = made.encoder.language
    assert isinstance(words, SentenceWords)
    tokens = torch.as_tensor(observation["manual"][0]).long()
    together, is_piece = words(tokens)
    assert is_piece.sum(dim=1).min() >= (tokens != 0).sum(dim=1).min() + 2  # pieces, and marks of begin and end
    alone, mask = SentenceWords(SPEC.vocabulary)(tokens[2:3, : int((tokens[2] != 0).sum())])
    assert torch.equal(alone[0, mask[0]], together[2, is_piece[2]])
    assert not torch.equal(together[0, 1], together[1, 1])
