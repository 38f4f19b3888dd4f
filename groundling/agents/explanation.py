"""What an agent's words do to what it sees: gates, attention and the weight of each word, for figures and videos."""

from __future__ import annotations

import torch
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.encoders.base import TextEncoder
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.errors import ConfigurationError
from groundling.interfaces import Observation


@torch.no_grad()
def attention(agent: ActorCritic, instruction: Tensor) -> Tensor:
    """How strongly each sentence lets each distinct symbolic cell through.

    Args:
        agent: one that sees symbols.
        instruction: [S, L] token ids.

    Returns:
        [S, values] the norm of the readout of every (type, color, state) under each sentence.

    Raises:
        ConfigurationError: if the agent sees pixels: :func:`attention_map` shows what it attends to.
    """
    if not isinstance(agent.encoder, SymbolicEncoder):
        raise ConfigurationError("only symbols can be listed one by one: of pixels, attention_map shows an image's")
    return agent.encoder.attention(instruction.long())


@torch.no_grad()
def attention_map(agent: ActorCritic, observation: Observation) -> Tensor:
    """How strongly the instruction lets each place of the image through, [B, rows, columns].

    Raises:
        ConfigurationError: if the agent's encoder has no such map.
    """
    return agent.encoder.attention_map(agent.prepare(observation).parts[0])


def has_gates(agent: ActorCritic) -> bool:
    """Whether the agent's fusion gates channels."""
    return isinstance(agent.encoder, TextEncoder) and agent.encoder.fusion.has_gates


@torch.no_grad()
def gates(agent: ActorCritic, instruction: Tensor) -> Tensor:
    """The gates [S, K] in (0, 1) of each sentence [S, L]; only where :func:`has_gates`."""
    encoder = agent.text_encoder
    return encoder.fusion.gates(encoder.encode_text(instruction.long()))


@torch.no_grad()
def word_strength(agent: ActorCritic, instruction: Tensor, before: Tensor | None = None) -> Tensor:
    """How much each word of a sentence changes the gates: their root mean square change when it is left out.

    Args:
        agent: one that has gates.
        instruction: [S, L] token ids.
        before: [S, K] token ids that are read before the sentence, those of a manual; None: there are none.

    Returns:
        [S, L], 0 at padding.
    """
    tokens = instruction.long()
    read_before = tokens[:, :0] if before is None else before.long()
    whole = gates(agent, torch.cat([read_before, tokens], dim=1))
    strength = torch.zeros(tokens.shape, device=whole.device)
    for place in range(tokens.shape[1]):
        if not tokens[:, place].any():
            continue
        parts = [read_before, tokens[:, :place], tokens[:, place + 1 :], torch.zeros_like(tokens[:, :1])]
        strength[:, place] = (gates(agent, torch.cat(parts, dim=1)) - whole).square().mean(dim=1).sqrt()
    return strength.masked_fill(tokens == 0, 0.0)
