"""An agent that is initialized from a smaller one: the parts that only it has begin without effect."""

from __future__ import annotations

from typing import Any

import torch

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.interfaces import Spec

NEW_PARTS = (
    "encoder.map.",
    "encoder.ways.",
    "encoder.language.gru.",
    "encoder.language.context.",
    "memory.reader.",
    "memory.finder.",
    "subgoal.",
    "encoder.symbol_head.",
)
# where these are zero
WITHOUT_EFFECT = (
    "encoder.map.spatial.weight",
    "encoder.ways.things.weight",
    "encoder.ways.unseen.weight",
    "encoder.language.context.weight",
    "memory.reader.tell.weight",
    "memory.finder.tell.weight",
)


def differences(smaller: AgentConfig, larger: AgentConfig) -> list[str]:
    """The settings in which two agents differ so that neither can begin as the other, with those of the smaller one.

    An agent can begin as one without its map of what was seen (``map_radius``) or the ways on it (``map_ways``), as one
    whose memory does not read (``memory_reads``) or look for things (``memory_finds``), as one that does not predict
    the subgoal (``predicts_subgoal``) or what is in view (``predicts_symbols``), and as one whose language encoder
    reads each word alone (``language`` "positional" before "contextual"). Dropout may differ.
    """
    ours, theirs = _flat(larger), _flat(smaller)
    changed = {name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)}
    optional = ("map_radius", "map_ways", "memory_reads", "memory_finds", "predicts_subgoal", "predicts_symbols")
    changed -= {name for name in optional if not theirs.get(name)}
    changed.discard("dropout")  # it has no parameters
    if (theirs["language"], ours["language"]) == ("positional", "contextual"):
        changed.discard("language")
    return [f"{name} {theirs.get(name)}" for name in {**ours, **theirs} if name in changed]


def _flat(config: AgentConfig) -> dict[str, Any]:
    """All settings, those of the image's encoder among the others."""
    values = config.to_dict()
    settings = values.pop("settings")
    return {**values, **settings.pop(config.vision), **settings}


def initialize_from_smaller(smaller: ActorCritic, config: AgentConfig, spec: Spec) -> ActorCritic:
    """An agent of this configuration that acts as a smaller one does; new parameters are drawn from torch's stream.

    Args:
        smaller: the agent to begin as.
        config: of the larger one.
        spec: what the larger one is built for; it may have a map beside.

    Raises:
        RuntimeError: if it cannot begin as the smaller one, see :func:`differences`.
    """
    agent = ActorCritic(config, spec).to(smaller.device)
    missing, unexpected = agent.load_state_dict(smaller.state_dict(), strict=False)
    wrong = [name for name in missing if not name.startswith(NEW_PARTS)]
    if wrong or unexpected:
        raise RuntimeError(f"the agents differ in {', '.join([*wrong, *unexpected])}")
    with torch.no_grad():
        for name, parameter in agent.named_parameters():
            if name in missing and name in WITHOUT_EFFECT:
                parameter.zero_()
    return agent.eval()
