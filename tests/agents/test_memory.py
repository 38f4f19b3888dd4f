"""Memory: one tensor of state, zeroed where an episode begins, the same step by step or all at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from groundling.agents import AgentConfig
from groundling.agents.memory import Memory
from groundling.errors import ConfigurationError

T, B, D, M = 6, 3, 4, 5
RECURRENT = ["gru", "lstm"]


def features() -> Tensor:
    return torch.randn(T, B, D, generator=torch.Generator().manual_seed(1))


def never() -> Tensor:
    return torch.zeros(T, B, dtype=torch.bool)


def some_state(memory: Memory) -> Tensor:
    return torch.randn(B, memory.state_dim, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("kind", "size"), [("none", 0), ("gru", M), ("lstm", 2 * M)])
def test_state_is_a_single_tensor_of_zeros_at_first(kind: str, size: int) -> None:
    state = Memory(kind, D, M).initial_state(B)
    assert torch.equal(state, torch.zeros(B, size))


def test_no_memory_passes_features_through() -> None:
    memory = Memory("none", D, M)
    seen = features()
    out, state = memory(seen, memory.initial_state(B), never())
    assert torch.equal(out, seen)
    assert memory.out_dim == D
    assert state.shape == (B, 0)


@pytest.mark.parametrize("kind", RECURRENT)
def test_steps_at_once_equal_steps_one_by_one(kind: str) -> None:
    memory = Memory(kind, D, M)
    seen, is_first = features(), never()
    is_first[2, 0] = is_first[4, 1] = is_first[4, 2] = True
    before = some_state(memory)
    out, after = memory(seen, before, is_first)
    state = before
    for step in range(T):
        one, state = memory(seen[step : step + 1], state, is_first[step : step + 1])
        torch.testing.assert_close(out[step], one[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(after, state, rtol=0, atol=1e-6)
    assert out.shape == (T, B, memory.out_dim)


@pytest.mark.parametrize("kind", RECURRENT)
def test_nothing_before_an_episode_is_remembered_in_it(kind: str) -> None:
    memory = Memory(kind, D, M)
    is_first = never()
    is_first[3, 1] = True
    other = features()
    other[:3] += 1.0
    out, _ = memory(features(), some_state(memory), is_first)
    changed, _ = memory(other, some_state(memory) * 3, is_first)
    torch.testing.assert_close(out[3:, 1], changed[3:, 1])
    assert not torch.allclose(out[3:, 0], changed[3:, 0])  # the others remember


@pytest.mark.parametrize("kind", RECURRENT)
def test_an_episode_begins_as_from_the_initial_state(kind: str) -> None:
    memory = Memory(kind, D, M)
    out, _ = memory(features()[:1], some_state(memory), torch.ones(1, B, dtype=torch.bool))
    fresh, _ = memory(features()[:1], memory.initial_state(B), never()[:1])
    torch.testing.assert_close(out, fresh)


@pytest.mark.parametrize("kind", RECURRENT)
def test_memory_is_pytorchs_own_cell(kind: str) -> None:
    memory = Memory(kind, D, M)
    out, state = memory(features(), memory.initial_state(B), never())
    layer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](D, M)
    layer.load_state_dict({f"{name}_l0": value for name, value in memory.cell.state_dict().items()})
    expected, last = layer(features())
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-6)
    parts = last if kind == "lstm" else (last,)
    torch.testing.assert_close(state, torch.cat([part[0] for part in parts], dim=-1), rtol=0, atol=1e-6)


# The sense of time


@pytest.mark.parametrize("kind", ["none", *RECURRENT])
def test_embedding_of_the_step_within_the_episode_stands_beside_the_output(kind: str) -> None:
    timed, plain = Memory(kind, D, M, time_dim=2, time_steps=4), Memory(kind, D, M)
    if kind != "none":
        plain.cell.load_state_dict(timed.cell.state_dict())
    is_first = never()
    is_first[0] = is_first[2, 1] = True
    out, state = timed(features(), timed.initial_state(B), is_first)
    expected, expected_state = plain(features(), plain.initial_state(B), is_first)
    assert timed.out_dim == plain.out_dim + 2
    torch.testing.assert_close(out[..., :-2], expected)
    torch.testing.assert_close(state[:, :-1], expected_state)
    steps = torch.tensor([[0, 0, 0], [1, 1, 1], [2, 0, 2], [3, 1, 3], [3, 2, 3], [3, 3, 3]])  # the last is shared
    assert timed.time is not None
    torch.testing.assert_close(out[..., -2:], timed.time(steps))


def test_time_goes_on_from_one_call_to_the_next() -> None:
    memory = Memory("gru", D, M, time_dim=2, time_steps=9)
    whole, _ = memory(features(), memory.initial_state(B), never())
    _, state = memory(features()[:4], memory.initial_state(B), never()[:4])
    rest, _ = memory(features()[4:], state, never()[4:])
    torch.testing.assert_close(rest, whole[4:])


def test_skipped_features_stand_behind_the_output_of_the_memory() -> None:
    torch.manual_seed(0)
    plain, skipping = Memory("gru", 3, 5), Memory("gru", 3, 5, skips=True)
    skipping.load_state_dict(plain.state_dict())
    features, first = torch.randn(4, 2, 3), torch.zeros(4, 2, dtype=torch.bool)
    output, state = plain(features, plain.initial_state(2), first)
    both, same = skipping(features, skipping.initial_state(2), first)
    assert skipping.out_dim == 8
    assert torch.equal(both, torch.cat([output, features], dim=-1))
    assert torch.equal(state, same)
    with pytest.raises(ConfigurationError, match="memory_skip needs a memory"):
        AgentConfig(memory_skip=True)
