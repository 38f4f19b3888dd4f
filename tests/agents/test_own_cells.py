"""Agents of tasks that bring types and colors: their tables are larger, and nothing else is other than it was."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.cells import CELL_VALUES, CellEncoder, CellSizes, distinct_cells, pack_cells, sizes_of
from groundling.agents.encoders.maps import NOT_SEEN, packed_map
from groundling.agents.encoders.ways import find_ways, num_traits
from groundling.agents.explanation import attention, attention_map
from groundling.envs import make_vec
from groundling.envs.engine.constants import FIRST_TASK_TYPE, NUM_COLORS, NUM_STATES, NUM_TYPES
from groundling.envs.engine.embodiment import GRID
from groundling.envs.specification import spec_of, spec_of_spaces
from groundling.errors import ObservationError
from groundling.interfaces import Field, Spec
from groundling.language.lexicon import PLAIN

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
    assert sizes_of(GRID.spec(24)) == CellSizes()
    field = {"shape": [7, 7, 3], "dtype": "uint8", "kind": "symbols", "size": 0}
    assert Field.from_dict(field) == GRID.spec(24).observation["image"]  # of a checkpoint from before there were any
    assert GRID.spec(24).to_dict()["observation"]["image"] == field


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


def test_sizes_are_told_and_read_off_the_bounds_of_the_symbols(task: str) -> None:
    envs = make_vec(task, 2, bank_size=8, explored_radius=4, progress=False)
    spec = spec_of(envs)
    assert spec.observation["image"].sizes == spec.observation["explored"].sizes == (*SIZES, NUM_STATES)
    assert sizes_of(spec) == SIZES
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    read = spec_of_spaces(envs.single_observation_space, envs.single_action_space, spec.vocabulary)
    assert read.differences(spec) == []
    usual = dataclasses.replace(envs.embodiment, lexicon=PLAIN).spec(24, None)
    assert any("26" not in told and "27 types" in told for told in usual.differences(spec))
    rover = spec_of(make_vec(task, 2, bank_size=8, body="rover", progress=False))
    assert sizes_of(rover) == (NUM_TYPES, NUM_COLORS)


@pytest.mark.parametrize("parts", [{}, EVERY_PART])
def test_agent_has_tables_of_these_sizes_and_plays(task: str, parts: dict) -> None:
    radius = {"explored_radius": parts["map_radius"]} if parts else {}
    envs = make_vec(task, 6, bank_size=30, progress=False, **radius)
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(**parts), spec_of(envs))
    sizes = (SIZES.types, SIZES.colors, NUM_STATES)
    vision = agent.encoder.vision
    assert tuple(table.num_embeddings for table in (vision.kinds, vision.colors, vision.states)) == sizes
    if parts:
        assert agent.memory.finder.num_traits == num_traits(SIZES) == num_traits() + (SIZES.types - NUM_TYPES) + 1
    observation, _ = envs.reset(seed=0)
    state, is_first = agent.initial_state(6), np.ones(6, dtype=np.bool_)
    with agent.inference_cache():
        for _ in range(20):
            actions, state = agent.act(observation, state, is_first)
            observation, _, terminated, truncated, _ = envs.step(actions)
            is_first = terminated | truncated
    tokens = torch.as_tensor(observation["instruction"])
    assert attention(agent, tokens).shape == (6, SIZES.values)
    assert attention_map(agent, observation).shape == (6, 7, 7)


def test_agent_of_the_language_refuses_the_cells_of_a_task(task: str) -> None:
    envs = make_vec(task, 32, bank_size=60, progress=False)
    observation, _ = envs.reset(seed=0)
    usual = dataclasses.replace(envs.embodiment, lexicon=PLAIN)
    agent = ActorCritic(AgentConfig(), usual.spec(24))
    with pytest.raises(ObservationError, match="type"):
        agent.prepare(observation)
