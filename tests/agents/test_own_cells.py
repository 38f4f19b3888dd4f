"""Agents of tasks that bring types and colors: their tables are larger, and nothing else is other than it was."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig, AgentSpace
from groundling.agents.maps import NOT_SEEN, packed_map
from groundling.agents.vision import CELL_VALUES, CellEncoder, CellSizes, distinct_cells, pack_cells
from groundling.agents.ways import find_ways, num_traits
from groundling.envs import make_vec
from groundling.envs.constants import FIRST_TASK_TYPE, NUM_COLORS, NUM_STATES, NUM_TYPES
from groundling.errors import ObservationError

SIZES = CellSizes(FIRST_TASK_TYPE + 2, NUM_COLORS + 1)
TASK = """
from groundling.envs import Task
from groundling.language import Color, ObjectType, OwnColor, OwnType, PickUp

class Fruit(Task):
    room_size = 6
    types = (ObjectType.BALL, OwnType("apple"), OwnType("pear"))
    colors = (Color.RED, OwnColor("teal", (0, 128, 128)))

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        world.place_agent()
        return PickUp(world.describe(target))
"""
EVERY_PART = {
    "memory": "gru",
    "map_radius": 4,
    "map_ways": True,
    "memory_reads": True,
    "memory_finds": True,
    "language": "contextual",
}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tasks") / "fruits.py"
    path.write_text(TASK)
    return f"{path}:Fruit"


def test_usual_sizes_are_those_of_the_language() -> None:
    assert CellSizes() == (NUM_TYPES, NUM_COLORS)
    assert CellSizes().values == CELL_VALUES == NUM_TYPES * NUM_COLORS * NUM_STATES
    assert (
        AgentSpace.from_dict({"image_shape": [7, 7, 3]}) == AgentSpace()
    )  # of a checkpoint from before there were any


def test_cells_of_these_sizes_have_values_of_their_own_and_come_back() -> None:
    grid = torch.cartesian_prod(torch.arange(SIZES.types), torch.arange(SIZES.colors), torch.arange(NUM_STATES))
    packed = pack_cells(grid.to(torch.uint8), SIZES)
    assert packed.tolist() == list(range(SIZES.values))
    image = grid.to(torch.uint8)[torch.randperm(SIZES.values)[:49]].reshape(1, 7, 7, 3)
    found = distinct_cells(image, None, SIZES)
    assert torch.equal(found.values[found.row_of.long()], pack_cells(image, SIZES).flatten(1).long())
    encoder = CellEncoder(4, SIZES)
    attributes = torch.stack([encoder.kinds(grid[:, 0]), encoder.colors(grid[:, 1]), encoder.states(grid[:, 2])], dim=1)
    assert torch.equal(encoder(packed.long()), attributes)


def test_maps_of_these_sizes_are_packed_and_others_refused() -> None:
    cell = (SIZES.types - 1, SIZES.colors - 1, 0)
    tiles = torch.zeros((1, 3, 3, 3), dtype=torch.uint8)
    tiles[0, 2, 1] = torch.tensor(cell, dtype=torch.uint8)
    present = torch.zeros(SIZES.values, dtype=torch.int32)
    packed = packed_map(tiles, present, SIZES)
    value = int(pack_cells(torch.tensor(cell), SIZES))
    assert packed.flatten().tolist() == [NOT_SEEN] * 7 + [value] + [NOT_SEEN]
    assert present.nonzero().tolist() == [[value]]
    assert find_ways(tiles, SIZES).kind[0, 0] == value
    with pytest.raises(ObservationError, match="below 18, 10 and 7"):
        packed_map(tiles, torch.zeros(CELL_VALUES, dtype=torch.int32))


def test_space_is_read_off_the_bounds_of_the_symbols(task: str) -> None:
    envs = make_vec(task, 2, bank_size=8, progress=False)
    space = AgentSpace.of(envs.single_observation_space, envs.single_action_space)
    assert (space.num_types, space.num_colors) == SIZES
    assert space.vocabulary_size == envs.vocabulary_size
    assert AgentSpace.from_dict(json.loads(json.dumps(dataclasses.asdict(space)))) == space
    rover = make_vec(task, 2, bank_size=8, body="rover", progress=False)
    pixels = AgentSpace.of(rover.single_observation_space, rover.single_action_space)
    assert (pixels.num_types, pixels.num_colors) == (NUM_TYPES, NUM_COLORS)


@pytest.mark.parametrize("parts", [{}, EVERY_PART])
def test_agent_has_tables_of_these_sizes_and_plays(task: str, parts: dict) -> None:
    radius = {"explored_radius": parts["map_radius"]} if parts else {}
    envs = make_vec(task, 6, bank_size=30, progress=False, **radius)
    torch.manual_seed(0)
    agent = ActorCritic.for_spaces(AgentConfig(**parts), envs.single_observation_space, envs.single_action_space)
    sizes = (SIZES.types, SIZES.colors, NUM_STATES)
    assert (
        tuple(t.num_embeddings for t in (agent.eyes.vision.kinds, agent.eyes.vision.colors, agent.eyes.vision.states))
        == sizes
    )
    if parts:
        assert agent.memory.finder.num_traits == num_traits(SIZES) == num_traits() + (SIZES.types - NUM_TYPES) + 1
    observation, _ = envs.reset(seed=0)
    state, is_first = agent.initial_state(6), np.ones(6, dtype=np.bool_)
    with agent.unchanged():
        for _ in range(20):
            actions, state = agent.act(observation, state, is_first)
            observation, _, terminated, truncated, _ = envs.step(actions)
            is_first = terminated | truncated
    tokens = torch.as_tensor(observation["instruction"])
    assert agent.attention(tokens).shape == (6, SIZES.values)
    assert agent.attention_map(observation).shape == (6, 7, 7)


def test_agent_of_the_language_refuses_the_cells_of_a_task(task: str) -> None:
    envs = make_vec(task, 32, bank_size=60, progress=False)
    observation, _ = envs.reset(seed=0)
    agent = ActorCritic(AgentConfig(), AgentSpace(vocabulary_size=envs.vocabulary_size))
    with pytest.raises(ObservationError, match="type"):
        agent.perceive(observation)
