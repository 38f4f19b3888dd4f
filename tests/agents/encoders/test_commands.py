"""Agents whose actions are texts: scores do not depend on the order of commands, and closed ones are never taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, ACTION_TEXTS, DOCUMENT, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

ACTIONS, WORDS, BATCH = 5, 20, 6
SPEC = Spec(
    {
        "text": Field((2, 7), "int32", DOCUMENT, WORDS),
        "commands": Field((ACTIONS, 3), "int32", ACTION_TEXTS, WORDS),
        "action_mask": Field((ACTIONS,), "int8", ACTION_MASK, 2),
        "instruction": Field((4,), "int32", TOKENS, WORDS),
    },
    tuple(map(str, range(ACTIONS))),
    Vocabulary.unnamed(WORDS),
)


def drawn(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    seen = {
        key: rng.integers(1, WORDS, (BATCH, *SPEC.observation[key].shape))
        for key in ("text", "commands", "instruction")
    }
    return {**seen, "action_mask": np.tile([1, 1, 0, 1, 0], (BATCH, 1))}


def logits(agent: ActorCritic, seen: dict[str, Any]) -> torch.Tensor:
    return agent.logits(seen, agent.initial_state(BATCH), np.ones(BATCH, dtype=np.bool_))[0]


@pytest.fixture(params=["none", "gru"])
def agent(request: pytest.FixtureRequest) -> ActorCritic:
    torch.manual_seed(0)
    return ActorCritic(AgentConfig(vision="commands", memory=request.param), SPEC)


def test_commands_in_another_order_have_the_same_scores_in_that_order(agent: ActorCritic) -> None:
    seen, order = drawn(), [3, 0, 4, 1, 2]
    turned = {**seen, "commands": seen["commands"][:, order], "action_mask": seen["action_mask"][:, order]}
    torch.testing.assert_close(logits(agent, turned), logits(agent, seen)[:, order])


def test_closed_actions_are_never_taken(agent: ActorCritic) -> None:
    assert (logits(agent, drawn())[:, [2, 4]] < -1e8).all()
    assert (logits(agent, drawn())[:, [0, 1, 3]] > -1e3).all()


@pytest.mark.parametrize("key", ["text", "commands", "instruction"])
def test_every_text_changes_the_scores(agent: ActorCritic, key: str) -> None:
    seen = drawn()
    assert not torch.allclose(logits(agent, {**seen, key: drawn(1)[key]}), logits(agent, seen))


def test_blind_agent_reads_no_document_but_the_commands() -> None:
    agent = ActorCritic(AgentConfig(vision="commands", blind=True), SPEC)
    seen = drawn()
    torch.testing.assert_close(logits(agent, {**seen, "text": drawn(1)["text"]}), logits(agent, seen))
    assert not torch.allclose(logits(agent, {**seen, "commands": drawn(1)["commands"]}), logits(agent, seen))


def test_rows_of_a_batch_are_decided_on_as_in_the_batch(agent: ActorCritic) -> None:
    prepared, rows = agent.prepare(drawn()), torch.tensor([4, 1])
    torch.testing.assert_close(agent.features(prepared.rows(rows)), agent.features(prepared)[rows])


def test_gradients_reach_every_parameter(agent: ActorCritic) -> None:
    first = torch.ones(1, BATCH, dtype=torch.bool)
    decision = agent(agent.prepare(drawn()), agent.initial_state(BATCH), first)
    (decision.logits[..., [0, 1, 3]].square().sum() + decision.value.sum()).backward()
    assert [name for name, p in agent.named_parameters() if p.grad is None] == []


def test_it_is_no_encoder_beside_another_one() -> None:
    with pytest.raises(ConfigurationError, match="make it the vision"):
        AgentConfig(encoders=("commands",))


def test_other_visions_leave_commands_unread_and_say_so() -> None:
    with pytest.raises(ConfigurationError, match=r"reads commands \(action_texts\)"):
        ActorCritic(AgentConfig(vision="document"), SPEC)
