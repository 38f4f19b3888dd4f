"""What a run begins with: the agent of another run, recorded demonstrations, a device."""

from __future__ import annotations

from pathlib import Path

import torch

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.initialization import differences, initialize_from_smaller
from groundling.envs.banks.splits import training_split
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import Spec
from groundling.seeding import integer
from groundling.training.algorithms import find_algorithm
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.demonstrations import DemonstrationSet


def initial_checkpoint(config: TrainConfig) -> Checkpoint | None:
    """The checkpoint of the run that this one starts from, if it does.

    Raises:
        CheckpointError: if there is no whole one.
        ConfigurationError: if its agent is built otherwise.
    """
    if not config.init:
        return None
    checkpoint = Checkpoint.load(Path(config.init) / CHECKPOINT_NAME, for_evaluation=True)
    different = differences(checkpoint.config.agent, config.agent)
    if different:
        raise ConfigurationError(
            f"the agent of {config.init} is built otherwise ({', '.join(different)}): "
            "give this run the same agent settings"
        )
    return checkpoint


def initial_agent(checkpoint: Checkpoint, config: TrainConfig, spec: Spec, device: torch.device) -> ActorCritic:
    """An agent of a run's configuration that acts as that of a checkpoint does; its parameters are not trained.

    Raises:
        ConfigurationError: if it was built for other environments; a map of what was seen may be new.
    """
    new = set(spec.keys_of("map")) - set(checkpoint.spec.observation)
    fields = {key: part for key, part in spec.observation.items() if key not in new}
    different = checkpoint.spec.differences(Spec(fields, spec.actions, spec.vocabulary))
    if different:
        raise ConfigurationError(
            f"the agent of {config.init} was built for other environments: {'; '.join(different)} in these"
        )
    agent = checkpoint.make_agent(str(device))
    if config.agent != checkpoint.config.agent:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "growth"))
            agent = initialize_from_smaller(agent, config.agent, spec)
    return agent.requires_grad_(False)


def load_demonstrations(config: TrainConfig) -> DemonstrationSet | None:
    """The recorded demonstrations that a run learns from, if it does.

    Raises:
        DemonstrationFileError: if they cannot be trusted, or are of another task.
        SplitError: if they demonstrate what the run holds out.
    """
    path = find_algorithm(config.algorithm).demonstrations(config)
    if not path:
        return None
    demonstrations = DemonstrationSet.load(path, task=config.task)
    demonstrations.check()
    told = training_split(config.held_out)
    bank = demonstrations.bank
    wrong = [text for text, goal in zip(bank.instructions, bank.goals(), strict=True) if not told.keeps(goal)]
    if wrong:
        raise SplitError(
            f"{path} demonstrates what this run holds out, for example {wrong[0]!r}: record demonstrations "
            "with the same --held-out options, or hold nothing out"
        )
    return demonstrations


def find_device(name: str, local_rank: int | None = None) -> torch.device:
    """The device of this name.

    Args:
        name: for example "cpu", "cuda", "cuda:1".
        local_rank: of a process of a job, the number among those of its machine: "cuda" is then the GPU of that number.

    Raises:
        ConfigurationError: if it cannot be used; the message says why.
    """
    try:
        device = torch.device(name)
        if local_rank is not None and name == "cuda":
            device = torch.device("cuda", local_rank)
            torch.cuda.set_device(device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"the device {name!r} cannot be used: {reason}. Try --device cpu") from error
    return device
