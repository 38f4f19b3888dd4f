"""What runs on a device that is not the CPU gives what the CPU's own way gives, compared on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.cells import USUAL_CELLS, rows_of_values
from groundling.agents.encoders.centered import CenteredEncoder
from groundling.agents.encoders.gather import gather_rows
from groundling.agents.encoders.maps import (
    NOT_SEEN,
    count_on_device,
    count_values,
    pack_on_device,
    packed_map,
    sum_regions,
    sum_regions_on_device,
)
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.agents.encoders.ways import find_ways, ways_on_device
from groundling.agents.placement import Layout, moved
from groundling.envs.engine.constants import DOOR, EMPTY, FLOOR, GOAL, NUM_COLORS, NUM_STATES, NUM_TYPES, UNSEEN
from groundling.interfaces import SYMBOLS, TOKENS, Field, Spec
from groundling.language.encoders import distinct_sentences, every_sentence
from groundling.language.encoders.recurrent import read_lengths, read_lengths_on_device
from groundling.language.encoders.sentences import distinct_on_device
from groundling.language.vocabulary import Vocabulary


def random_maps(seed: int, count: int = 40, side: int = 9) -> Tensor:
    """Maps on which one can walk far: floor, doors, walls and what was not seen."""
    rng = np.random.default_rng(seed)
    weight = np.ones(NUM_TYPES)
    weight[[UNSEEN, EMPTY, FLOOR, GOAL, DOOR]] = (6, 25, 5, 2, 6)
    kind = rng.choice(NUM_TYPES, (count, side, side), p=weight / weight.sum())
    color, state = rng.integers(NUM_COLORS, size=kind.shape), rng.integers(NUM_STATES, size=kind.shape)
    maps = np.stack([kind, color, state], axis=-1).astype(np.uint8)
    maps[kind == UNSEEN] = 0
    return torch.from_numpy(maps)


def corridor(side: int = 25) -> Tensor:
    """One long way: rows of floor that are joined at alternate ends, from the middle to a corner."""
    kind = np.full((side, side), 2)  # walls
    kind[::2] = EMPTY
    for row in range(1, side, 2):
        kind[row, -1 if row // 2 % 2 else 0] = EMPTY
    maps = np.zeros((1, side, side, 3), dtype=np.uint8)
    maps[0, :, :, 0] = kind.T
    maps[0, 0, 0] = (5, 1, 0)  # a thing at the end
    return torch.from_numpy(maps)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side", [1, 3, 9, 13])
def test_ways_are_those_of_the_search_thing_by_thing(seed: int, side: int) -> None:
    maps = random_maps(seed, side=side)
    ours, theirs = ways_on_device(maps), find_ways(maps)
    count = theirs.kind.shape[1]
    assert torch.equal(ours.kind[:, :count], theirs.kind)
    assert torch.equal(ours.way[:, :count], theirs.way)
    assert (ours.kind[:, count:] == NOT_SEEN).all()
    assert (ours.way[:, count:] == -1).all()
    assert torch.equal(ours.unseen, theirs.unseen)


def test_way_longer_than_a_few_rounds_is_found() -> None:
    maps = corridor()
    ours, theirs = ways_on_device(maps), find_ways(maps)
    assert torch.equal(ours.way[:, :1], theirs.way[:, :1])
    assert int(theirs.way[0, 0]) % 11 == 10, "of the farthest class: hundreds of tiles"


def test_map_is_packed_added_up_and_counted_alike() -> None:
    maps = random_maps(0)
    present, other = (torch.zeros(USUAL_CELLS.values, dtype=torch.int32) for _ in range(2))
    packed = packed_map(maps, present)
    assert torch.equal(pack_on_device(maps.flatten(1, 2), other, USUAL_CELLS), packed)
    assert torch.equal(other, present)
    row_of = rows_of_values(present)
    table = torch.randn(3 * int(present.sum()), 4, dtype=torch.float32, requires_grad=True)
    first = torch.randint(3, (len(maps),)) * int(present.sum())
    region = torch.randint(-1, 5, (1, packed.shape[1]), dtype=torch.int32)
    sums = [make(table, first, row_of, packed, region, 5) for make in (sum_regions, sum_regions_on_device)]
    weight = torch.randn_like(sums[0])
    (ours,), (theirs,) = (torch.autograd.grad((weight * part).sum(), table) for part in sums)
    torch.testing.assert_close(sums[0], sums[1])
    torch.testing.assert_close(ours, theirs)
    values = present.nonzero().squeeze(1)
    zeros = torch.zeros(len(packed), len(values))
    column_of = torch.zeros(USUAL_CELLS.values, dtype=torch.int32)
    column_of[values] = torch.arange(len(values), dtype=torch.int32)
    assert torch.equal(count_on_device(packed, column_of, zeros), count_values(packed, values, USUAL_CELLS.values))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=12), st.integers(0, 3))
def test_distinct_sentences_are_the_same_in_the_same_order(rows: list[list[int]], padding: int) -> None:
    tokens = nn.functional.pad(torch.tensor(rows, dtype=torch.int32), (0, padding))
    ours, theirs = distinct_on_device(tokens), distinct_sentences(tokens)
    assert torch.equal(ours.tokens, theirs.tokens)
    assert torch.equal(ours.row_of, theirs.row_of)


def test_sentences_that_share_a_hash_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "groundling.language.encoders.sentences.hash_rows", lambda rows: torch.zeros(len(rows), dtype=int)
    )
    tokens = torch.tensor([[3, 1], [2, 0], [3, 1], [2, 2]])
    found = distinct_on_device(tokens)
    assert len(found.tokens) == 3
    assert torch.equal(found.tokens[found.row_of], tokens)


def test_every_sentence_is_each_row_for_itself() -> None:
    tokens = torch.tensor([[3, 1, 0], [3, 1, 0]], dtype=torch.int32)
    found = every_sentence(tokens)
    assert torch.equal(found.tokens[found.row_of], tokens.long())
    assert len(found.tokens) == 2


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_both_directions_of_padded_sentences_are_read_alike(kind: Any) -> None:
    torch.manual_seed(0)
    reader = kind(3, 4, batch_first=True, bidirectional=True)
    lengths = torch.tensor([1, 5, 7, 4])
    embedded = torch.randn(4, 7, 3, requires_grad=True)
    found = [read(reader, embedded, lengths) for read in (read_lengths, read_lengths_on_device)]
    torch.testing.assert_close(found[0], found[1])
    weight = torch.randn_like(found[0])
    grads = [torch.autograd.grad((weight * part).sum(), [embedded, *reader.parameters()]) for part in found]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fusion", ["attribute_gated", "gated", "film", "concat", "cross_attention"])
@pytest.mark.parametrize("language", ["positional", "gru"])
def test_readout_by_attributes_is_that_of_pairs(fusion: Any, language: Any) -> None:
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(fusion=fusion, language=language, cell_dim=8, instruction_dim=6))
    encoder = agent.encoder
    assert isinstance(encoder, SymbolicEncoder)
    values, tokens = torch.arange(0, USUAL_CELLS.values, 7), torch.randint(1, 20, (3, 5))
    pairs, by_attribute = encoder.readout_of_pairs(values, tokens), encoder.readout_by_attribute(values, tokens)
    assert pairs.std() > 0.01
    torch.testing.assert_close(by_attribute, pairs, rtol=1e-4, atol=1e-5)


def test_rows_of_a_table_are_handed_out_alike() -> None:
    table, index = torch.randn(9, 4, requires_grad=True), torch.randint(9, (5, 3), dtype=torch.int32)
    found = gather_rows(table, index), nn.functional.embedding(index, table)
    assert torch.equal(found[0], found[1])
    weight = torch.randn_like(found[0])
    ours, theirs = (torch.autograd.grad((weight * part).sum(), table)[0] for part in found)
    torch.testing.assert_close(ours, theirs)


def test_window_around_the_agent_is_the_same() -> None:
    torch.manual_seed(0)
    fields = {
        "image": Field((5, 4, 3), "uint8", SYMBOLS),
        "instruction": Field((4,), "int64", TOKENS, 9),
    }
    config = AgentConfig(vision="centered", readout_dim=3, channels=4, hidden_dim=5)
    encoder = ActorCritic(config, Spec(fields, ("left", "right"), Vocabulary.unnamed(9))).encoder
    assert isinstance(encoder, CenteredEncoder)
    cells, own = torch.randn(30, 5, 4, 7), torch.randint(20, (30,))
    torch.testing.assert_close(encoder.around_on_device(cells, own), encoder._around(cells, own))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["uint8", "int32", "int64", "float32", "bool"]), min_size=1, max_size=5), st.data())
def test_arrays_come_out_of_one_block_as_they_went_in(types: list[str], data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    shapes = [tuple(data.draw(st.lists(st.integers(1, 4), max_size=3))) for _ in types]
    arrays = {
        f"{n}": rng.integers(0, 2, shape).astype(kind)
        for n, (kind, shape) in enumerate(zip(types, shapes, strict=True))
    }
    found = moved(arrays, torch.device("cpu"))
    for name, array in arrays.items():
        assert found[name].numpy().dtype == array.dtype
        assert np.array_equal(found[name].numpy(), array)
    layout = Layout({name: (array.shape, torch.from_numpy(np.asarray(array)).dtype) for name, array in arrays.items()})
    steps = layout.unpacked(torch.zeros(3, layout.size, dtype=torch.uint8))
    for name, array in arrays.items():
        assert steps[name].shape == (3, *array.shape)
        steps[name][1] = torch.from_numpy(np.asarray(array))
        assert not steps[name][[0, 2]].any()
