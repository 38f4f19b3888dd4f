"""What a run is, in a few lines for its report; everything else is in its configuration."""

from __future__ import annotations

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.banks.held_out import NOTHING_HELD_OUT, HeldOut
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.base import TRAIN, EnvFamily
from groundling.training.algorithms import find_algorithm
from groundling.training.checkpoint import Checkpoint


def run_facts(checkpoint: Checkpoint, agent: ActorCritic, tasks: tuple[EnvFamily, ...]) -> dict[str, str]:
    """At most ten facts of a run, by what they are.

    Args:
        checkpoint: of the run.
        agent: that it holds.
        tasks: families of the run.
    """
    config = checkpoint.config
    parts = config.agent
    size = sum(parameter.numel() for parameter in agent.parameters())
    facts = {
        "task" if len(config.task_ids) == 1 else "tasks": ", ".join(config.task_ids),
        "algorithm": find_algorithm(config.algorithm).title + (f", from {config.init}" if config.init else ""),
        "frames": f"{checkpoint.frames:,} of {config.num_updates * config.rollout_frames:,}",
        "seed": str(config.seed),
        "environments": f"{config.num_envs:,} side by side",
    }
    if all(isinstance(family, BankFamily) for family in tasks):
        facts["environments"] += f", {config.bank_size:,} distinct episodes" + " of each task" * (len(tasks) > 1)
        chosen_by_run = any(_can_hold_out(family, config.held_out) for family in tasks)
        facts["held out"] = (", ".join(_held_out(checkpoint)) or "nothing") if chosen_by_run else "what the task fixes"
    if len(config.task_ids) > 1:
        facts["curriculum"] = config.curriculum.kind
    chosen = f"{parts.language} language, {parts.fusion} fusion, " + (
        "no memory" if parts.memory == "none" else f"{parts.memory} memory"
    )
    facts["agent"] = (
        f"{parts.vision} vision, "
        + (chosen if agent.core is None else "with memory and heads of its own")
        + ", without the image" * parts.blind
    )
    facts["parameters"] = f"{size:,}"
    facts["reward"] = ", ".join(config.reward)
    return facts


def _can_hold_out(family: EnvFamily, held_out: HeldOut) -> bool:
    """Whether what a run holds out makes a difference to what it trains on."""
    if not held_out.factors:
        return True
    return bool(family.split(TRAIN, held_out) != family.split(TRAIN, NOTHING_HELD_OUT))


def _held_out(checkpoint: Checkpoint) -> list[str]:
    """Each factor that no training instruction has, with its entries where they are few."""
    held_out = checkpoint.config.held_out
    entries = {
        "combination": held_out.combinations,
        "verb_object": held_out.verb_objects,
        "location": held_out.locations,
        "length": (f"more than {held_out.max_clauses} clauses",),
    }
    return [f"{factor} ({', '.join(entries[factor])})" if factor in entries else factor for factor in held_out.factors]
