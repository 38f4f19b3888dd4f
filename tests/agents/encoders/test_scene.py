"""The encoder of scenes: it reads a second view of the same cells, and sums that do not depend on places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.assembly import assigned_fields
from groundling.agents.encoders.maps import count_values
from groundling.agents.encoders.scene import SceneEncoder, SummedMapReader
from groundling.agents.encoders.symbolic import SymbolicConfig, SymbolicEncoder
from groundling.errors import ObservationError
from groundling.interfaces import ACTION_MASK, CATEGORY, MAP, SYMBOLS, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

WORDS = Vocabulary.of(["what", "color", "is", "the", "ball", "box"])
SIZES = (11, 6, 3)
RADIUS = 2
SPEC = Spec(
    {
        "image": Field((7, 7, 3), "uint8", SYMBOLS, 0, SIZES),
        "top": Field((7, 7, 3), "uint8", SYMBOLS, 0, SIZES),
        "direction": Field((), "int64", CATEGORY, 4),
        "explored": Field((5, 5, 3), "uint8", MAP, 0, SIZES),
        "question": Field((6,), "int32", TOKENS, len(WORDS)),
        "mask": Field((4,), "int8", ACTION_MASK),
    },
    ("left", "right", "red", "blue"),
    WORDS,
)


def make_agent(**settings: Any) -> ActorCritic:
    torch.manual_seed(0)
    config = AgentConfig(
        vision="scene", hidden_dim=16, settings=(SymbolicConfig(readout_dim=4, map_radius=RADIUS),), **settings
    )
    return ActorCritic(config, SPEC)


def observation(**changes: Any) -> dict[str, Any]:
    image = np.ones((2, 7, 7, 3), dtype=np.uint8) * np.array([1, 0, 0], dtype=np.uint8)
    seen = {
        "image": image,
        "top": image.copy(),
        "direction": np.zeros(2, dtype=np.int64),
        "explored": np.zeros((2, 5, 5, 3), dtype=np.uint8),
        "question": WORDS.encode_all(["what color is the ball"] * 2, length=6),
        "mask": np.ones((2, 4), dtype=np.int8),
    }
    return {**seen, **changes}


def features(agent: ActorCritic, seen: dict[str, Any]) -> torch.Tensor:
    return agent.features(agent.prepare(seen)).detach()


def test_scene_takes_both_views_direction_and_map() -> None:
    kinds = assigned_fields(make_agent().config, SPEC)
    assert kinds[0] == (SceneEncoder, ("image", "direction", "explored", "top"))


@pytest.mark.parametrize("key", ["image", "top", "explored"])
def test_every_view_matters_to_the_features(key: str) -> None:
    agent, seen = make_agent(), observation()
    changed = observation()
    changed[key][1, 2, 3] = (6, 2, 0)
    before, after = features(agent, seen), features(agent, changed)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_what_is_pooled_does_not_depend_on_places() -> None:
    agent = make_agent()
    encoder = agent.encoder
    assert isinstance(encoder, SceneEncoder)
    torch.nn.init.zeros_(encoder.spatial.weight)
    seen, moved, other = observation(), observation(), observation()
    seen["image"][0, 2, 3] = seen["top"][0, 2, 3] = (6, 2, 0)
    moved["image"][0, 4, 4] = moved["top"][0, 4, 4] = (6, 2, 0)
    other["image"][0, 2, 3], other["top"][0, 4, 4] = (6, 2, 0), (6, 2, 0)
    assert torch.allclose(features(agent, seen), features(agent, moved), atol=1e-6)
    assert not torch.allclose(features(agent, seen), features(agent, other)), "what stands on what is lost"


def test_neighbors_of_a_cell_are_told_from_cells_far_away() -> None:
    agent = make_agent()
    encoder = agent.encoder
    assert isinstance(encoder, SceneEncoder)
    torch.nn.init.zeros_(encoder.spatial.weight)
    beside, apart = observation(), observation()
    for seen, row in ((beside, 3), (apart, 6)):
        seen["image"][0, 2, 3] = (6, 2, 0)
        seen["image"][0, row, 3] = (5, 1, 0)
    assert not torch.allclose(features(agent, beside)[0], features(agent, apart)[0])


def test_map_counts_alike_things_in_one_region() -> None:
    agent = make_agent()
    encoder = agent.encoder
    assert isinstance(encoder, SceneEncoder)
    assert encoder.map is not None
    assert encoder.found_on_map is not None
    torch.nn.init.zeros_(encoder.map.spatial.weight)
    torch.nn.init.zeros_(encoder.found_on_map.weight)
    one, two, moved = observation(), observation(), observation()
    one["explored"][0, 0, 0] = two["explored"][0, 0, 0] = moved["explored"][0, 4, 4] = (6, 2, 0)
    two["explored"][0, 1, 1] = (6, 2, 0)
    assert torch.allclose(features(agent, one), features(agent, moved), atol=1e-6)
    assert not torch.allclose(features(agent, one)[0], features(agent, two)[0])


def test_things_are_looked_up_on_the_map_wherever_they_are() -> None:
    agent = make_agent()
    encoder = agent.encoder
    assert isinstance(encoder, SceneEncoder)
    assert isinstance(encoder.map, SummedMapReader)
    torch.nn.init.zeros_(encoder.map.spatial.weight)
    torch.nn.init.zeros_(encoder.map.total.weight)
    red, moved, blue = observation(), observation(), observation()
    red["explored"][0, 0, 0] = moved["explored"][0, 4, 1] = (6, 2, 0)
    blue["explored"][0, 0, 0] = (6, 3, 0)
    assert torch.allclose(features(agent, red), features(agent, moved), atol=1e-6)
    assert not torch.allclose(features(agent, red)[0], features(agent, blue)[0])


def test_what_a_thing_of_the_view_is_is_looked_up_wherever_it_is() -> None:
    """Without the layers of places and of sums of readouts: the content of a cell, of what stands on it, around it."""
    agent = make_agent()
    encoder = agent.encoder
    assert isinstance(encoder, SceneEncoder)
    for layer in (encoder.spatial, encoder.pooled):
        torch.nn.init.zeros_(layer.weight)
    seen, moved, other, bare, near, apart = (observation() for _ in range(6))
    for view in (seen, moved, other, bare, near, apart):
        place = (4, 4) if view is moved else (2, 3)
        view["image"][0][place] = (6, 2, 0)
        view["top"][0][place] = (7, 1, 0)
    other["image"][0, 2, 3] = (6, 3, 0)
    bare["top"][0, 2, 3] = (1, 0, 0)
    near["image"][0, 2, 4] = apart["image"][0, 5, 4] = (5, 1, 0)
    found = features(agent, seen)[0]
    assert torch.allclose(found, features(agent, moved)[0], atol=1e-6)
    for changed in (other, bare):
        assert not torch.allclose(found, features(agent, changed)[0])
    assert not torch.allclose(features(agent, near)[0], features(agent, apart)[0])


def test_cells_of_maps_are_counted_by_value() -> None:
    packed = torch.tensor([[5, -1, 5, 7], [-1, -1, 7, -1]], dtype=torch.int16)
    assert count_values(packed, torch.tensor([5, 6, 7]), 9).tolist() == [[2, 0, 1], [0, 0, 1]]


def test_kept_readouts_give_the_same_features() -> None:
    agent, seen = make_agent(), observation()
    seen["top"][0, 1, 1] = (6, 3, 0)
    with torch.no_grad(), agent.inference_cache():
        kept = features(agent, seen)
    assert torch.allclose(kept, features(agent, seen), atol=1e-6)


def test_readout_by_attributes_is_that_of_whole_cells() -> None:
    encoder = make_agent().encoder
    assert isinstance(encoder, SceneEncoder)
    values = torch.tensor([0, 5, 33, 100, 187])
    tokens = torch.as_tensor(WORDS.encode_all(["what color is the ball", "what is the box"], length=6))
    whole = SymbolicEncoder.readout_of_pairs(encoder, values, tokens)
    assert torch.allclose(encoder.readout_of_pairs(values, tokens), whole, atol=1e-5)
    assert whole.std() > 0


def test_second_view_of_another_shape_is_refused() -> None:
    with pytest.raises(ObservationError, match="top must be"):
        make_agent().prepare(observation(top=np.zeros((2, 5, 5, 3), dtype=np.uint8)))
    agent = make_agent()
    assert agent.encoder.attention_map(agent.prepare(observation()).parts[0]).shape == (2, 7, 7)
