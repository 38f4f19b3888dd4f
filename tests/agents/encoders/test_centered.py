"""Vision "centered": what it says of things depends on where they are from the agent's cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.centered import CenteredConfig, CenteredEncoder
from groundling.envs.catalog import find_family
from groundling.errors import ObservationError
from groundling.interfaces import CATEGORY, SYMBOLS, Field

TASK = "groundling/GridLU-Relations-v0"
FLOOR, AGENT, RED_CIRCLE = (2, 0, 0), (2, 0, 1), (3, 6, 0)


def make_agent(**settings: Any) -> ActorCritic:
    torch.manual_seed(0)
    config = AgentConfig(
        vision="centered", hidden_dim=12, settings=(CenteredConfig(channels=6, readout_dim=4),), **settings
    )
    return ActorCritic(config, find_family(TASK).spec)


def features(agent: ActorCritic, seen: dict[str, Any]) -> torch.Tensor:
    return agent.features(agent.prepare(seen))


def observation(count: int) -> dict[str, Any]:
    return find_family(TASK).make_vec("all", count, 0).reset(seed=0)[0]


def grids(*places: tuple[tuple[int, int], tuple[int, int]]) -> dict[str, Any]:
    """Grids with the agent in one cell and a red circle in another, under one instruction."""
    images = np.tile(np.array(FLOOR, dtype=np.uint8), (len(places), 5, 5, 1))
    for image, (agent, circle) in zip(images, places, strict=True):
        image[agent] = AGENT
        image[circle] = RED_CIRCLE
    return {"image": images, "instruction": observation(1)["instruction"].repeat(len(places), axis=0)}


def only_around(agent: ActorCritic) -> CenteredEncoder:
    """Its encoder, where nothing but what is around the agent counts, and floor is as nothing."""
    encoder = agent.encoder
    assert isinstance(encoder, CenteredEncoder)
    with torch.no_grad():
        for layer in (encoder.spatial, encoder.places, encoder.anywhere):
            layer.weight.zero_()
        encoder.around.weight.view(12, 9, 9, 10)[..., 4:] = 0.0  # convolutions see the edge of the grid
    return encoder


def test_what_is_as_far_in_the_same_direction_looks_the_same_from_any_cell() -> None:
    agent = make_agent()
    encoder = only_around(agent)
    readouts = encoder._readout_of_cells
    empty = torch.tensor(0.0)

    def without_floor(*given: Any) -> torch.Tensor:
        found = readouts(*given)
        return torch.where((found == found[:, [2]]).all(dim=2, keepdim=True), empty, found)

    encoder._readout_of_cells = without_floor  # type: ignore[method-assign]
    seen = grids(((1, 1), (2, 3)), ((3, 2), (4, 4)), ((1, 1), (3, 2)))
    found = features(agent, seen)
    assert torch.allclose(found[0], found[1], atol=1e-5)
    assert not torch.allclose(found[0], found[2], atol=1e-3)


def test_window_is_the_grid_moved_so_that_the_agent_is_in_its_middle() -> None:
    """The same as a product with windows that are filled cell by cell."""
    encoder = make_agent().encoder
    assert isinstance(encoder, CenteredEncoder)
    cells, agent = torch.randn(60, 5, 5, 10), torch.randint(25, (60,))
    windows = torch.zeros(60, 9, 9, 10)
    for row, (y, x) in enumerate(zip((agent // 5).tolist(), (agent % 5).tolist(), strict=True)):
        windows[row, 4 - y : 9 - y, 4 - x : 9 - x] = cells[row]
    assert torch.allclose(encoder._around(cells, agent), encoder.around(windows.flatten(1)), atol=1e-5)


def test_features_of_an_observation_do_not_depend_on_others_in_the_batch() -> None:
    agent, seen = make_agent(), observation(40)
    whole = features(agent, seen)
    alone = torch.cat([features(agent, {key: array[i : i + 1] for key, array in seen.items()}) for i in range(40)])
    assert torch.allclose(whole, alone, atol=1e-5)


def test_every_parameter_of_the_window_in_reach_is_learned() -> None:
    agent = make_agent()
    features(agent, observation(400)).square().sum().backward()
    gradient = agent.encoder.around.weight.grad
    assert gradient is not None
    assert (gradient.abs().sum(dim=0).view(81, 10).sum(dim=1) > 0).all()


def test_blind_agent_sees_nothing_of_it() -> None:
    agent = make_agent(blind=True)
    found = features(agent, grids(((1, 1), (2, 3)), ((3, 2), (0, 0))))
    assert torch.allclose(found[0], found[1], atol=1e-5)


def test_grids_that_do_not_mark_one_cell_as_the_agents_are_refused() -> None:
    agent, seen = make_agent(), grids(((1, 1), (2, 3)), ((1, 1), (2, 3)))
    seen["image"][1, 4, 4, 2] = 1
    with pytest.raises(ObservationError, match="row 1 has 2 such cells: take vision 'convolved'"):
        agent.prepare(seen)


def test_direction_is_left_to_others() -> None:
    fields = {"image": Field((7, 7, 3), "uint8", SYMBOLS), "direction": Field((), "int64", CATEGORY, size=4)}
    assert CenteredEncoder.claim(fields, AgentConfig(vision="centered")) == ("image",)
