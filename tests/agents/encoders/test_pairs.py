"""Pairs of cells and sentences: kept ones are those that are made anew, and nothing is read twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_actor_critic import make_agent
from torch import Tensor

from groundling.agents.encoders import pairs
from groundling.agents.encoders.pairs import KeptPairs, Pairs, make_pairs
from groundling.envs import make_vec


class Counting:
    """A reader whose result is a function of the cell and the sentence, and that counts what it reads."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, values: Tensor, tokens: Tensor) -> Tensor:
        self.count += len(values) * len(tokens)
        told = tokens.sum(dim=1)
        return torch.stack([told[:, None] * 1000.0 + values, told[:, None] - values.float()], dim=-1)


def looked_up(found: Pairs, sentence: int, value: int) -> list[float]:
    return found.table[found.first[sentence] + found.row_of_value[value]].tolist()


def test_a_pair_is_found_where_the_table_says() -> None:
    made = make_pairs(Counting(), torch.tensor([5, 9]), torch.tensor([[1, 2], [7, 0]]))
    assert looked_up(made, 0, 9) == [3009.0, -6.0]
    assert looked_up(made, 1, 5) == [7005.0, 2.0]


def test_kept_pairs_are_found_in_any_batch_and_read_once() -> None:
    reader = Counting()
    kept = KeptPairs(reader)
    first = kept.find(torch.tensor([5, 9]), torch.tensor([[1, 2], [7, 0]]))
    assert looked_up(first, 1, 9) == [7009.0, -2.0]
    assert reader.count == 4
    again = kept.find(torch.tensor([5, 9]), torch.tensor([[7, 0, 0], [1, 2, 0]]))  # padded otherwise, in another order
    assert looked_up(again, 0, 9) == [7009.0, -2.0]
    assert looked_up(again, 1, 5) == [3005.0, -2.0]
    assert reader.count == 4
    wider = kept.find(torch.tensor([4, 9]), torch.tensor([[1, 2], [3, 3]]))  # a new cell, then a new sentence
    assert looked_up(wider, 0, 4) == [3004.0, -1.0]
    assert looked_up(wider, 1, 9) == [6009.0, -3.0]
    assert reader.count == 4 + 2 + 3
    many = torch.arange(10, 40).unsqueeze(1)
    grown = kept.find(torch.tensor([9]), many)  # more sentences than there was room for
    assert looked_up(grown, 29, 9) == [39009.0, 30.0]
    assert looked_up(kept.find(torch.tensor([5]), torch.tensor([[1, 2]])), 0, 5) == [3005.0, -2.0]


def test_only_so_many_sentences_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST_SENTENCES", 3)
    reader = Counting()
    kept = KeptPairs(reader)
    for told in range(1, 9):
        assert looked_up(kept.find(torch.tensor([5]), torch.tensor([[told]])), 0, 5) == [told * 1000.0 + 5, told - 5.0]
    assert len(kept._tokens) <= 4
    count = reader.count
    assert looked_up(kept.find(torch.tensor([5]), torch.tensor([[1]])), 0, 5) == [1005.0, -4.0]
    assert reader.count > count  # it was forgotten


@pytest.mark.parametrize("map_radius", [0, 6])
def test_an_agent_sees_the_same_whether_pairs_are_kept_or_not(map_radius: int) -> None:
    agent = make_agent(map_radius=map_radius)
    radius = {"explored_radius": map_radius} if map_radius else {}
    envs = make_vec("BabyAI-GoToLocal-v0", 16, bank_size=64, progress=False, **radius)
    observation, _ = envs.reset(seed=0)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        seen, anew = [], []
        with agent.inference_cache():
            for _ in range(30):
                seen.append((agent.prepare(observation), agent.features(agent.prepare(observation))))
                observation, *_ = envs.step(rng.integers(7, size=16))
        anew = [agent.features(prepared) for prepared, _ in seen]
    for (_, kept), fresh in zip(seen, anew, strict=True):
        torch.testing.assert_close(kept, fresh, rtol=1e-4, atol=1e-4)


def test_what_was_kept_is_forgotten_when_the_parameters_may_change() -> None:
    agent = make_agent()
    envs = make_vec("BabyAI-GoToLocal-v0", 4, bank_size=8, progress=False)
    observation, _ = envs.reset(seed=0)
    with torch.no_grad():
        with agent.inference_cache():
            before = agent.features(agent.prepare(observation))
        agent.encoder.readout.weight.mul_(2)
        with agent.inference_cache():
            after = agent.features(agent.prepare(observation))
        fresh = agent.features(agent.prepare(observation))
    torch.testing.assert_close(after, fresh, rtol=1e-4, atol=1e-4)
    assert (after - before).abs().max() > 1e-3
