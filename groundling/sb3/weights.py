"""Parameters between an agent and a model of Stable-Baselines3, both ways.

All policies that train an agent have its trunk and linear heads, so one is the other:

- actor-critics: the layers of action and value are the agent's policy and value;
- with an LSTM: that is the agent's memory;
- of action values: logits = Q / temperature, so that the likeliest action is the best one, and drawing an action is
  Boltzmann exploration at that temperature;
- of quantiles: Q is the mean of a linear layer's outputs, so a linear layer again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic
from groundling.errors import ConfigurationError
from groundling.sb3.trunk import trunk_of

LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def check_agent(agent: ActorCritic, name: str, *, is_recurrent: bool) -> None:
    """Refuse an agent that a model cannot be.

    Args:
        agent: to train.
        name: of the algorithm.
        is_recurrent: whether its policy has an LSTM.

    Raises:
        ConfigurationError: the message says which part is in the way.
    """
    config = agent.config
    if agent.core is not None:
        raise ConfigurationError(
            f"{name} cannot train memory and heads of vision {config.vision!r}: use --algorithm ppo"
        )
    if agent.spec.keys_of("action_mask"):
        raise ConfigurationError(f"{name} would take actions that the mask of these tasks closes: use --algorithm ppo")
    wanted = "lstm" if is_recurrent else "none"
    if config.memory != wanted:
        others = "" if is_recurrent else ", or --algorithm sb3contrib:RecurrentPPO with an lstm"
        raise ConfigurationError(
            f"{name} trains agents with --agent.memory {wanted}, this one's is {config.memory!r}{others}"
        )
    for part in ("time_dim", "memory_reads", "memory_finds", "memory_skip", "predicts_subgoal", "predicts_symbols"):
        if getattr(config, part):
            raise ConfigurationError(f"{name} cannot train --agent.{part.replace('_', '-')}: leave it out")


@torch.no_grad()
def adopt(model: Any, agent: ActorCritic, temperature: float) -> None:
    """Give a model the parameters of an agent; its target network gets them as well."""
    policy = model.policy
    trunk = trunk_of(policy)
    trunk.agent.load_state_dict({k: v for k, v in agent.state_dict().items() if not k.startswith(HEADS)})
    trunk.agent.set_precision(agent.encoder.precision)
    for ours, theirs in _heads(policy, agent):
        theirs.weight.copy_(ours.weight)
        theirs.bias.copy_(ours.bias)
    if hasattr(policy, "lstm_actor"):
        for name in LSTM:
            getattr(policy.lstm_actor, f"{name}_l0").copy_(getattr(agent.memory.cell, name))
    layer = _value_layer(policy)
    if layer is not None:
        repeats = layer.out_features // agent.num_actions
        layer.weight.copy_((agent.policy.weight * temperature).repeat(repeats, 1))
        layer.bias.copy_((agent.policy.bias * temperature).repeat(repeats))
    for name in ("q_net", "quantile_net"):
        if hasattr(policy, f"{name}_target"):
            getattr(policy, f"{name}_target").load_state_dict(getattr(policy, name).state_dict())


@torch.no_grad()
def publish(model: Any, agent: ActorCritic, temperature: float) -> None:
    """Give an agent the parameters of a model: the opposite of :func:`adopt`.

    The value head of an agent that learned action values stays as it was; nothing reads it.
    """
    policy = model.policy
    agent.load_state_dict(trunk_of(policy).agent.state_dict(), strict=False)
    for ours, theirs in _heads(policy, agent):
        ours.weight.copy_(theirs.weight)
        ours.bias.copy_(theirs.bias)
    if hasattr(policy, "lstm_actor"):
        for name in LSTM:
            getattr(agent.memory.cell, name).copy_(getattr(policy.lstm_actor, f"{name}_l0"))
    layer = _value_layer(policy)
    if layer is not None:
        agent.policy.weight.copy_(_mean(layer.weight, agent.num_actions) / temperature)
        agent.policy.bias.copy_(_mean(layer.bias, agent.num_actions) / temperature)


HEADS = ("memory.", "policy.", "value.")


def _heads(policy: nn.Module, agent: ActorCritic) -> list[tuple[nn.Linear, Any]]:
    """Pairs of linear layers that are the same in both."""
    pairs = (agent.policy, getattr(policy, "action_net", None)), (agent.value, getattr(policy, "value_net", None))
    return [(ours, theirs) for ours, theirs in pairs if theirs is not None]


def _value_layer(policy: nn.Module) -> nn.Linear | None:
    """The last layer of a network of action values, or of their quantiles; None of other policies."""
    net = getattr(policy, "q_net", None) or getattr(policy, "quantile_net", None)
    if net is None:
        return None
    layers: Any = getattr(net, "q_net", None) or net.quantile_net
    return layers[-1]


def _mean(rows: Tensor, num_actions: int) -> Tensor:
    """The mean over quantiles [A, ...] of rows [quantiles * A, ...], quantile by quantile."""
    return rows.unflatten(0, (-1, num_actions)).mean(dim=0)
