"""An agent that begins as a smaller one: the parts that it has besides begin without effect."""

from __future__ import annotations

from dataclasses import asdict

import torch

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig

NEW_PARTS = (
    "eyes.map.",
    "eyes.ways.",
    "eyes.language.gru.",
    "eyes.language.context.",
    "memory.reader.",
    "memory.finder.",
    "due.",
)
# where these are zero
WITHOUT_EFFECT = (
    "eyes.map.spatial.weight",
    "eyes.ways.things.weight",
    "eyes.ways.unseen.weight",
    "eyes.language.context.weight",
    "memory.reader.tell.weight",
    "memory.finder.tell.weight",
)


def differences(smaller: AgentConfig, larger: AgentConfig) -> list[str]:
    """The settings in which two agents differ so that neither can begin as the other, with those of the smaller one.

    An agent can begin as one without its map of what was seen (``map_radius``) or the ways on it (``map_ways``), as one
    whose memory does not read (``memory_reads``) or look for things (``memory_finds``), as one that does not tell what
    is due (``tells_due``), and as one that hears each of its words alone (``language`` "positional" before
    "contextual").
    """
    ours, theirs = asdict(larger), asdict(smaller)
    changed = {name for name in ours if ours[name] != theirs[name]}
    if theirs["map_radius"] == 0:
        changed.discard("map_radius")
    changed -= {name for name in ("map_ways", "memory_reads", "memory_finds", "tells_due") if not theirs[name]}
    if (theirs["language"], ours["language"]) == ("positional", "contextual"):
        changed.discard("language")
    return [f"{name} {theirs[name]}" for name in ours if name in changed]


def grown(smaller: ActorCritic, config: AgentConfig) -> ActorCritic:
    """An agent of this configuration that acts as a smaller one does; new parameters are drawn from torch's stream.

    Raises:
        RuntimeError: if it cannot begin as the smaller one, see :func:`differences`.
    """
    agent = ActorCritic(config, smaller.space).to(smaller.device)
    missing, unexpected = agent.load_state_dict(smaller.state_dict(), strict=False)
    wrong = [name for name in missing if not name.startswith(NEW_PARTS)]
    if wrong or unexpected:
        raise RuntimeError(f"the agents differ in {', '.join([*wrong, *unexpected])}")
    with torch.no_grad():
        for name, parameter in agent.named_parameters():
            if name in missing and name in WITHOUT_EFFECT:
                parameter.zero_()
    return agent.eval()
