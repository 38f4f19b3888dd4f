"""The reference reader of RTFM and its baselines: shapes, gradients, what changes nothing, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.assembly import assigned_fields
from groundling.agents.encoders.txt2pi import Txt2PiConfig, Txt2PiEncoder, joined
from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError
from groundling.interfaces import SYMBOLS, Field, Spec

FAMILY = find_family("groundling/RTFM-Groups-NL-6x6-v0")
MODULATIONS = ("both", "film", "concat")


def agent(**settings: Any) -> ActorCritic:
    torch.manual_seed(0)
    own = Txt2PiConfig(channels=(4, 6, 6, 5), reader_dim=8, carried_dim=3, **settings)
    return ActorCritic(AgentConfig(vision="txt2pi", hidden_dim=16, word_dim=10, settings=(own,)), FAMILY.spec)


def seen(task: str = "Groups-NL-6x6", count: int = 12) -> dict[str, Any]:
    envs = find_family(f"groundling/RTFM-{task}-v0").make_vec("train", count, 0)
    observation, _ = envs.reset(seed=0)
    return dict(observation)


def features(made: ActorCritic, observation: Any) -> torch.Tensor:
    return made.features(made.prepare(observation))


def test_it_reads_all_that_there_is_and_is_asked_for_by_name() -> None:
    fields = AgentConfig(vision="txt2pi")
    assert assigned_fields(fields, FAMILY.spec) == [(Txt2PiEncoder, ("manual", "image", "carried", "valid"))]
    kinds = [kind.__name__ for kind, _ in assigned_fields(AgentConfig(vision="document"), FAMILY.spec)]
    assert kinds == ["DocumentEncoder", "VectorEncoder"]


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_every_parameter_learns_and_every_field_counts(modulation: Any) -> None:
    made, observation = agent(modulation=modulation), seen()
    observation["carried"] = observation["carried"] + 8
    found = features(made, observation)
    assert found.shape == (12, 16)
    found.square().sum().backward()
    unused = [name for name, p in made.encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert all("carried_reader.weight_hh" in name for name in unused)  # one word has no word before it
    changes = {key: np.roll(observation[key], 1, axis=0) for key in ("image", "manual", "instruction")}
    for key, array in {**changes, "carried": 0 * observation["carried"]}.items():
        assert not torch.allclose(found, features(made, {**observation, key: array})), key


def test_published_sizes() -> None:
    made = ActorCritic(AgentConfig(vision="txt2pi", hidden_dim=400, word_dim=30), FAMILY.spec)
    encoder: Any = made.encoder
    assert encoder.reader.hidden_size == 100
    assert [layer.conv.in_channels for layer in encoder.layers] == [32, 18, 34, 66, 66]
    assert [layer.conv.out_channels for layer in encoder.layers] == [16, 32, 64, 64, 64]
    assert encoder.layers[0].film.in_features == 200 + 20 + 200
    assert encoder.states[0].out_features == encoder.states[-1].out_features == 200


def test_layers_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    made: Any = agent().encoder
    layer = made.layers[0]
    cells, text = torch.randn(2, layer.conv.in_channels, 3, 3), torch.randn(2, layer.film.in_features)
    gamma, beta = layer.film(text).chunk(2, dim=1)
    scale, shift = layer.by_cells(cells).chunk(2, dim=1)
    expected = torch.relu((1 + gamma)[..., None, None] * layer.conv(cells) + beta[..., None, None])
    expected = expected + torch.relu((1 + scale) * layer.text(text)[..., None, None] + shift)
    assert torch.allclose(layer(cells, text), expected, atol=1e-6)


def test_the_last_layer_sees_the_two_before_it_together() -> None:
    made: Any = agent()
    given: list[torch.Tensor] = []
    outputs: list[torch.Tensor] = []

    def note(_: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        given.append(inputs[0])
        outputs.append(output)

    for layer in made.encoder.layers:
        layer.register_forward_hook(note)
    with torch.no_grad():
        features(made, seen())
    assert torch.equal(given[-1][:, :-2], outputs[-2] + outputs[-3])
    assert torch.equal(given[-2][:, :-2], outputs[-3])
    own = seen()["image"][..., 0] == FAMILY.spec.vocabulary.words.index("you")
    ways = given[0][:, -2:]
    for row, (y, x) in enumerate(np.argwhere(own)[:, 1:]):
        assert torch.allclose(ways[row, :, y, x], torch.zeros(2))
        assert torch.allclose(ways[row, :, y - 1, x], torch.tensor([0, -1 / 6]))
        assert torch.allclose(ways[row, :, y, x + 1], torch.tensor([1 / 6, 0]))


def test_padding_between_sentences_and_around_the_room_changes_nothing() -> None:
    made, observation = agent(), seen()
    spread = np.zeros_like(observation["manual"])
    spread[:, 3:] = observation["manual"][:, :7]  # the last three are empty
    assert torch.allclose(features(made, observation), features(made, {**observation, "manual": spread}), atol=1e-6)
    assert made.prepare(observation).parts[0].cells.shape == (12, 2, 6, 6)
    assert made.prepare(seen("Groups-NL-10x10")).parts[0].cells.shape == (12, 2, 10, 10)
    assert joined(torch.tensor([[0, 3, 0, 4], [5, 0, 0, 0]])).tolist() == [[3, 4], [5, 0]]
    assert features(made, {**observation, "manual": spread * 0}).isfinite().all()


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_rows_of_a_batch_are_read_as_alone(modulation: Any) -> None:
    made, observation = agent(modulation=modulation), seen()
    whole = made.prepare(observation)
    some = made.features(whole.rows(torch.tensor([7, 2, 7])))
    assert torch.allclose(some, features(made, observation)[[7, 2, 7]], atol=1e-6)
    assert len(whole.rows(torch.tensor([7, 2, 7])).parts[0].documents.tokens) == 2


def test_the_mask_is_a_mask() -> None:
    made, observation = agent(), seen()
    decision = made(made.prepare(observation), made.initial_state(12), torch.ones(1, 12, dtype=torch.bool))
    assert ((decision.logits[0] < -1e8) == ~torch.as_tensor(observation["valid"])).all()


def test_wrong_settings_and_grids_are_refused() -> None:
    for wrong, told in (
        ({"modulation": "all"}, "modulation is one of both, film, concat"),
        ({"channels": (4,)}, "at least two layers"),
        ({"channels": (4, 5, 6)}, "as many channels"),
        ({"reader_dim": 0}, "at least 1"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            Txt2PiConfig(**wrong)
    fields = {**FAMILY.spec.observation, "image": Field((7, 7, 3), "uint8", SYMBOLS)}
    with pytest.raises(ConfigurationError, match="symbols are words"):
        ActorCritic(AgentConfig(vision="txt2pi"), Spec(fields, FAMILY.spec.actions, FAMILY.spec.vocabulary))
