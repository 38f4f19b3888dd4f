"""A policy over actions that are texts: an action is as likely as its text goes with the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from groundling.agents.core import IMPOSSIBLE, Core, Decision
from groundling.agents.memory import Memory

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


class CommandPolicy(Core):
    """Scores of commands: the product of the state, after the memory, with the vector of each command.

        logit_k = <W s, c_k> / sqrt(E)

    with s the state [D], c_k the vector [E] of command k. The same parameters score all commands, so their order and
    number mean nothing, and commands of words that are known can be scored that were never met.

    Args:
        config: memory and sizes of the agent.
        mask_key: of the mask of actions that are open.
        actions: A.
    """

    def __init__(self, config: AgentConfig, mask_key: str, actions: int) -> None:
        super().__init__()
        self.mask_key = mask_key
        self.actions = actions
        self.command_dim = config.instruction_dim
        self.memory = Memory(
            config.memory,
            config.hidden_dim,
            config.memory_dim,
            time_dim=config.time_dim,
            time_steps=config.time_steps,
            skips=config.memory_skip,
        )
        self.out_dim = self.memory.out_dim
        self.state_dim = self.memory.state_dim
        self.query = nn.Linear(self.out_dim, self.command_dim)
        self.value = nn.Linear(self.out_dim, 1)
        for layer, scale in ((self.query, 0.1), (self.value, 1.0)):
            nn.init.orthogonal_(layer.weight, scale)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, prepared: Any, state: Tensor, is_first: Tensor) -> Decision:
        """See :class:`Core`; features are [T, B, hidden_dim + A * E]."""
        seen, commands = features.tensor_split([features.shape[-1] - self.actions * self.command_dim], dim=-1)
        known, state = self.memory(seen, state, is_first)
        commands = commands.unflatten(-1, (self.actions, self.command_dim))
        logits = torch.einsum("tbe,tbae->tba", self.query(known), commands) / self.command_dim**0.5
        mask = prepared.fields[self.mask_key].reshape(logits.shape) == 0
        return Decision(logits.masked_fill(mask, IMPOSSIBLE), self.value(known).squeeze(-1), state, known)
