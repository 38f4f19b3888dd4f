"""Maps as the agent takes them in: regions, the compiled sums against naive ones, and the agent as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_actor_critic import make_agent, rows

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.agents.encoders.cells import CELL_VALUES, pack_cells
from groundling.agents.encoders.maps import NOT_SEEN, packed_map, regions_of, sum_regions
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.engine.constants import NUM_TYPES
from groundling.errors import ConfigurationError, ObservationError

B, RADIUS = 6, 5


@pytest.fixture(scope="module")
def observation() -> dict[str, Any]:
    bank = EpisodeBank.of_seeds("BabyAI-GoTo-v0", range(B))
    envs = make_vec(bank=bank, num_envs=B, shuffle=False, explored_radius=RADIUS)
    envs.reset()
    for actions in np.random.default_rng(0).integers(0, 3, (12, B)):
        seen, *_ = envs.step(actions)
    return seen


def region_at(radius: int, column: int, row: int) -> int:
    region, _ = regions_of(radius)
    return int(region.reshape(2 * radius + 1, -1)[column + radius, row + radius])


def test_tiles_near_the_agent_have_regions_of_their_own() -> None:
    near = [region_at(13, x, y) for x in range(-4, 5) for y in range(-4, 5)]
    assert len(set(near)) == 81


def test_regions_get_wider_with_the_distance() -> None:
    region, count = regions_of(40)
    sizes = np.bincount(region)
    assert count == len(sizes) == 81 + 72 + 72
    assert sorted(set(sizes.tolist())) == [1, 9, 81]
    assert region_at(40, 5, 0) == region_at(40, 7, 1) != region_at(40, 8, 0)
    assert region_at(40, 14, -4) == region_at(40, 22, 4) != region_at(40, 23, 0)


def test_a_region_lies_on_one_side_of_the_agent() -> None:
    """Left and right, ahead and behind never share one, beyond the widths of blocks that straddle the axes."""
    for distance in (5, 9, 13, 14, 20):
        assert len({region_at(22, distance, 0), region_at(22, -distance, 0), region_at(22, 0, distance)}) == 3


def test_packed_maps_give_the_cells_back(observation: dict[str, Any]) -> None:
    explored = torch.as_tensor(observation["explored"])
    present = torch.zeros(CELL_VALUES, dtype=torch.int32)
    packed = packed_map(explored, present)
    expected = pack_cells(explored).flatten(1)
    is_seen = explored[..., 0].flatten(1) > 0
    assert torch.equal(packed[is_seen].int(), expected[is_seen])
    assert (packed[~is_seen] == NOT_SEEN).all()
    assert set(present.nonzero().flatten().tolist()) == set(expected[is_seen].tolist())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # the compiled loops, and PyTorch's own operations
def test_sums_and_their_gradient_equal_naive_ones(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    region = torch.tensor([[0, 1, 1, 2, 0]], dtype=torch.int32)
    packed = torch.tensor([[7, 3, NOT_SEEN, 3, 7], [NOT_SEEN] * 5, [3, 7, 7, 7, 3]], dtype=torch.int16)
    row_of = torch.zeros(CELL_VALUES, dtype=torch.int32)
    row_of[3], row_of[7] = 0, 1
    first = torch.tensor([2, 0, 0])
    table = torch.randn(4, 3, dtype=dtype, requires_grad=True)
    sums = sum_regions(table, first, row_of, packed, region, 3)
    under_first, under_second = table[:2], table[2:]
    nothing = torch.zeros(3, dtype=dtype)
    expected = torch.stack(
        [
            torch.stack([2 * under_second[1], under_second[0], under_second[0]]),
            torch.stack([nothing, nothing, nothing]),
            torch.stack([2 * under_first[0], 2 * under_first[1], under_first[1]]),
        ]
    )
    torch.testing.assert_close(sums, expected)
    weight = torch.randn_like(sums)
    (ours,) = torch.autograd.grad((sums * weight).sum(), table)
    (theirs,) = torch.autograd.grad((expected * weight).sum(), table)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_maps_may_have_regions_of_their_own_and_cells_of_none(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    packed = torch.tensor([[7, 3, NOT_SEEN], [3, 7, 7]], dtype=torch.int16)
    region = torch.tensor([[1, -1, 0], [0, 0, 1]], dtype=torch.int8)
    row_of = torch.zeros(CELL_VALUES, dtype=torch.int32)
    row_of[3], row_of[7] = 0, 1
    table = torch.randn(2, 3, dtype=dtype, requires_grad=True)
    sums = sum_regions(table, torch.tensor([0, 0]), row_of, packed, region, 2)
    nothing = torch.zeros(3, dtype=dtype)
    expected = torch.stack(
        [torch.stack([nothing, table[1]]), torch.stack([table[0] + table[1], table[1]])],
    )
    torch.testing.assert_close(sums, expected)
    weight = torch.randn_like(sums)
    (ours,) = torch.autograd.grad((sums * weight).sum(), table)
    (theirs,) = torch.autograd.grad((expected * weight).sum(), table)
    torch.testing.assert_close(ours, theirs)


def test_the_agent_acts_on_what_its_map_shows(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS)
    assert agent.observation_keys == ("image", "direction", "explored", "instruction")
    seen = agent.features(agent.prepare(observation))
    elsewhere = {**observation, "explored": observation["explored"][:, ::-1].copy()}
    assert (agent.features(agent.prepare(elsewhere)) - seen).abs().amax(dim=1).min() > 1e-4


def test_rows_of_maps_do_not_touch_each_other(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS)
    together = agent.features(agent.prepare(observation))
    for row in range(B):
        alone = agent.features(agent.prepare(rows(observation, slice(row, row + 1))))
        torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-5)
    chosen = torch.tensor([4, 1])
    some = agent.features(agent.prepare(observation).rows(chosen))
    torch.testing.assert_close(some, together[chosen], rtol=1e-4, atol=1e-5)


def test_a_map_of_nothing_is_as_no_map(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS)
    plain = ActorCritic(AgentConfig(**{**vars(agent.config), "map_radius": 0}))
    plain.load_state_dict({k: v for k, v in agent.state_dict().items() if "map" not in k})
    nothing = {**observation, "explored": np.zeros_like(observation["explored"])}
    torch.testing.assert_close(
        agent.features(agent.prepare(nothing)), plain.features(plain.prepare(observation)), rtol=1e-4, atol=1e-5
    )


def test_a_blind_agent_has_no_map_either(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, blind=True)
    other = {**observation, "explored": observation["explored"][::-1].copy()}
    torch.testing.assert_close(agent.features(agent.prepare(observation)), agent.features(agent.prepare(other)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps: maps[:, :7, :7], r"\[B, 11, 11, 3\] uint8 \(a map of what was seen\)"),
        (lambda maps: np.full_like(maps, NUM_TYPES), "a map has cells whose type, color or state is out of range"),
    ],
)
def test_a_wrong_map_is_refused(observation: dict[str, Any], change: Any, message: str) -> None:
    agent = make_agent(map_radius=RADIUS)
    with pytest.raises(ObservationError, match=message):
        agent.prepare({**observation, "explored": change(observation["explored"])})


def test_an_observation_without_a_map_is_refused(observation: dict[str, Any]) -> None:
    with pytest.raises(ObservationError, match="no explored"):
        make_agent(map_radius=RADIUS).prepare(
            {name: array for name, array in observation.items() if name != "explored"}
        )


def test_only_symbols_have_a_map() -> None:
    with pytest.raises(ConfigurationError, match="map_radius"):
        AgentConfig(vision="cnn", map_radius=5)
    with pytest.raises(ConfigurationError, match="from 0"):
        AgentConfig(map_radius=41)
