"""A memory that reads: its attention by hand, what it depends on, and words that are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from test_actor_critic import make_agent

from groundling.agents.config import AgentConfig
from groundling.agents.encoders.pairs import KeptWords
from groundling.agents.instruction_attention import InstructionReader
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import ConfigurationError

B = 6


@pytest.fixture(scope="module")
def observation() -> dict[str, Any]:
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToSeq-v0", range(B)), num_envs=B, shuffle=False)
    envs.reset()
    for actions in np.random.default_rng(0).integers(0, 3, (5, B)):
        seen, *_ = envs.step(actions)
    return seen


def test_what_is_read_is_the_mean_of_the_words_by_their_products_with_the_question() -> None:
    reader = InstructionReader(2, 2, 2)
    with torch.no_grad():
        reader.ask.weight.copy_(torch.eye(2))
        reader.ask.bias.zero_()
        reader.tell.weight.copy_(3 * torch.eye(2))
    state = torch.tensor([[math.sqrt(2) * math.log(3), 0.0]])
    words = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]]])
    mask = torch.tensor([[True, True, False]])
    torch.testing.assert_close(reader(state, words, mask), torch.tensor([[3 * 0.75, 3 * 0.25]]))


def test_a_memory_that_reads_hears_the_words_even_where_the_eyes_are_shut(observation: dict[str, Any]) -> None:
    """The eyes pass nothing on here: what differs can only have been read."""
    agent = make_agent(memory="gru", memory_reads=True)
    torch.nn.init.zeros_(agent.encoder.hidden.weight)
    torch.nn.init.zeros_(agent.encoder.hidden.bias)
    other = {**observation, "instruction": observation["instruction"][::-1].copy()}
    first = torch.ones(1, B, dtype=torch.bool)
    state = torch.randn(B, agent.memory.state_dim)

    def logits(agent: Any, seen: dict[str, Any]) -> torch.Tensor:
        return agent(agent.prepare(seen), state, ~first).logits

    assert (logits(agent, observation) - logits(agent, other)).abs().max() > 1e-3
    deaf = make_agent(memory="gru")
    torch.nn.init.zeros_(deaf.encoder.hidden.weight)
    torch.nn.init.zeros_(deaf.encoder.hidden.bias)
    torch.testing.assert_close(logits(deaf, observation), logits(deaf, other))


@pytest.mark.parametrize("memory", ["gru", "lstm"])
def test_steps_one_by_one_are_those_of_the_whole_and_rows_do_not_touch(
    observation: dict[str, Any], memory: str
) -> None:
    agent = make_agent(memory=memory, memory_reads=True, language="contextual")
    steps = 3
    state = agent.initial_state(2)
    first = torch.tensor([[True, True], [False, True], [False, False]])
    prepared = agent.prepare(observation)
    whole = agent(prepared, state, first)
    for step in range(steps):
        rows = torch.arange(2 * step, 2 * step + 2)
        one = agent(prepared.rows(rows), state, first[step : step + 1])
        torch.testing.assert_close(one.logits[0], whole.logits[step], rtol=1e-4, atol=1e-5)
        state = one.state
    torch.testing.assert_close(state, whole.state, rtol=1e-4, atol=1e-5)


def test_what_is_read_is_the_same_whether_words_are_kept_or_not(observation: dict[str, Any]) -> None:
    agent = make_agent(memory="gru", memory_reads=True, language="contextual")
    first = torch.zeros(1, B, dtype=torch.bool)
    state = torch.randn(B, agent.memory.state_dim)
    with torch.no_grad():
        anew = agent(agent.prepare(observation), state, first)
        with agent.inference_cache():
            for _ in range(2):
                kept = agent(agent.prepare(observation), state, first)
                torch.testing.assert_close(kept.logits, anew.logits, rtol=1e-4, atol=1e-4)


def test_kept_words_are_heard_once_whatever_their_padding() -> None:
    heard = []

    def encode_text(tokens: torch.Tensor) -> torch.Tensor:
        heard.append(len(tokens))
        return torch.where(tokens > 0, tokens, 0).unsqueeze(2).float()

    kept = KeptWords(encode_text)
    assert kept.find(torch.tensor([[1, 2], [3, 0]])).squeeze(2).tolist() == [[1, 2], [3, 0]]
    assert kept.find(torch.tensor([[3, 0, 0], [1, 2, 0], [4, 5, 6]])).squeeze(2).tolist() == [
        [3, 0, 0],
        [1, 2, 0],
        [4, 5, 6],
    ]
    assert kept.find(torch.tensor([[3]])).squeeze(2).tolist() == [[3]]
    assert heard == [2, 1]


@pytest.mark.parametrize("changes", [{"memory": "none"}, {"memory": "gru", "language": "sentence"}])
def test_nothing_can_be_read_without_a_memory_or_without_words(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"memory_reads needs a memory .*: add --agent.memory gru"):
        AgentConfig(memory_reads=True, **changes)
