"""The tasks of a run: which families its configuration names, and the environments that they make for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gymnasium.vector import VectorEnv

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.catalog import INTERPRETER, find_family, is_known
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.banked import BankFamily, bank_envs, changed_mixture, embodiment_of, mixture_of
from groundling.envs.families.base import TRAIN, EnvFamily
from groundling.envs.families.options import WorldOptions
from groundling.errors import (
    ConfigurationError,
    TaskError,
    UnknownEnvironmentError,
    UnsupportedLevelError,
)
from groundling.language.vocabulary import Vocabulary
from groundling.training.checks import require
from groundling.trust import permit

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.demonstrations import DemonstrationSet


def families(config: TrainConfig) -> tuple[EnvFamily, ...]:
    """What each task of a run is.

    Raises:
        UnknownEnvironmentError, UnsupportedLevelError, TaskError: as ``find_family``; of several tasks the message says
            which one.
        ConfigurationError: if a task is named twice, or the run was trained in environments that no id names.
    """
    if config.made_by:
        raise ConfigurationError(
            f"the run was trained in environments that {config.made_by} made (Trainer(make_envs=...)), which no "
            "command can make: call groundling.eval.evaluate_run(folder, make_envs=...)"
        )
    found: dict[str, EnvFamily] = {}
    for place, task in enumerate(config.task_ids, start=1):
        try:
            family = _found(task, config.simulator_python)
        except (UnknownEnvironmentError, UnsupportedLevelError, TaskError) as error:
            if not config.tasks:
                raise
            raise type(error)(f"task {place} of the {len(config.tasks)} to train on, {task!r}: {error}") from error
        require(family.id not in found, f"the tasks to train on name {family.id} twice")
        if config.simulator_python:
            family = _in_python(family, config.simulator_python)
        found[family.id] = family
    return tuple(found.values())


def _found(task: str, python: str) -> EnvFamily:
    """The family of a task; a file that cannot be imported here is left to the Python of its environments."""
    try:
        return find_family(task)
    except TaskError:
        is_readable = Path(task.partition(":")[0]).expanduser().is_file()
        if not (python and task.partition("?")[0].rpartition(":")[0].endswith(".py") and is_readable):
            raise
        return find_family(f"gym:{task}")


def _in_python(family: EnvFamily, python: str) -> EnvFamily:
    """The family with its environments in another Python interpreter."""
    permit(python)
    try:
        chosen = family.with_settings({INTERPRETER: python})
    except ConfigurationError as error:
        raise ConfigurationError(
            f"simulator_python is for environments of other packages (gym:ID, my_file.py:make_env), {family.id} is run "
            "by Groundling itself: leave it out"
        ) from error
    chosen.reference = family.reference
    return chosen


def bank_families(config: TrainConfig) -> tuple[BankFamily, ...]:
    """As :func:`families`, where the episodes of all stand in banks.

    Raises:
        ConfigurationError: if those of one do not.
    """
    found = families(config)
    for family in found:
        if not isinstance(family, BankFamily):
            raise ConfigurationError(
                f"the episodes of {family.id} stand in no bank, its simulator makes them: train on it alone"
            )
    return tuple(family for family in found if isinstance(family, BankFamily))


def world_options(config: TrainConfig) -> WorldOptions:
    """What a run asks of its environments in training."""
    return WorldOptions(
        body=config.body,
        camera=config.camera,
        explored_radius=config.agent.senses.get("explored_radius"),
        previous_action=config.agent.senses.get("previous_action", False),
        bank_size=config.bank_size,
        time_limit_scale=config.time_share,
        by_instruction=config.curriculum.of == "instructions",
        env_device=config.env_device,
    )


def evaluation_options(config: TrainConfig, own: tuple[EnvFamily, ...] = ()) -> WorldOptions:
    """What a run asks of the environments that it is evaluated in: the same worlds, with all of their time.

    Args:
        config: of the run.
        own: its families, so that each alone tells its sentences in the words of all of them.
    """
    vocabulary = joined_vocabulary(own) if len(own) > 1 else None
    return WorldOptions(
        body=config.body,
        camera=config.camera,
        explored_radius=config.agent.senses.get("explored_radius"),
        previous_action=config.agent.senses.get("previous_action", False),
        bank_size=config.bank_size,
        vocabulary=vocabulary,
    )


def check_world(config: TrainConfig) -> None:
    """Refuse options that a task has no use for, as far as the task is known without reading a user's code.

    Raises:
        ConfigurationError: naming the first.
    """
    options = world_options(config)
    for task in () if config.made_by else config.task_ids:
        if is_known(task):
            find_family(task).check(options)


def joined_vocabulary(own: tuple[EnvFamily, ...]) -> Vocabulary:
    """The words of several families."""
    return Vocabulary.joined(family.spec.vocabulary for family in own)


def vocabulary(config: TrainConfig) -> Vocabulary:
    """The words that the run's token ids are of."""
    return joined_vocabulary(families(config))


def embodiment(config: TrainConfig) -> Embodiment:
    """What the run's episodes are played with.

    Raises:
        ConfigurationError: if the tasks have bodies of their own that differ; and as :func:`families`.
    """
    return embodiment_of(bank_families(config), world_options(config))


def check_tasks(config: TrainConfig) -> None:
    """Find the tasks and refuse what they have no use for, before anything is made.

    Raises:
        ConfigurationError: naming the first; and as :func:`families`.
    """
    found = families(config)
    if all(isinstance(family, BankFamily) for family in found):
        embodiment(config)
        for family in found:
            family.check_device(world_options(config))
        return
    require(len(found) == 1, f"{', '.join(config.task_ids)}: tasks are mixed only where their episodes stand in banks")
    found[0].check(world_options(config))


def training_mixture(config: TrainConfig, *, progress: bool = True) -> TaskMixture:
    """The episodes that the run trains on, task after task; errors as :func:`families` and ``build_bank``."""
    own = bank_families(config)
    splits = [family.split(TRAIN, config.held_out) for family in own]
    return mixture_of(own, splits, config.seed, WorldOptions(bank_size=config.bank_size), progress=progress)


def training_bank(config: TrainConfig, *, progress: bool = True) -> EpisodeBank:
    """The episodes that the run trains on; errors as :func:`training_mixture`."""
    return training_mixture(config, progress=progress).bank


def training_envs(config: TrainConfig, demonstrations: DemonstrationSet | None = None) -> VectorEnv:
    """The environments of a run; errors as :func:`check_tasks` and ``build_bank``.

    Args:
        config: of the run.
        demonstrations: recorded episodes to play, instead of the tasks' own.
    """
    check_tasks(config)
    options = world_options(config)
    found = families(config)
    if not all(isinstance(family, BankFamily) for family in found):
        (family,) = found
        return family.open(family.split(TRAIN, config.held_out), config.num_envs, config.seed, options)
    mixture = training_mixture(config) if demonstrations is None else TaskMixture.of([demonstrations.bank])
    return bank_envs(
        changed_mixture(mixture, options),
        config.num_envs,
        embodiment(config),
        config.seed,
        env_device=config.env_device,
    )


def findable(config: TrainConfig) -> TrainConfig:
    """The same run with its tasks spelled as another process finds them; one that has no such spelling stays as it is.

    A level that a user's module registered is known by its id in this process only, elsewhere as ``module:id``.
    """
    if config.made_by or all(is_known(task) for task in config.task_ids):
        return config
    names = [
        family.reference if ":" in family.reference and ":" not in task else task
        for task, family in zip(config.task_ids, families(config), strict=True)
    ]
    return replace(config, tasks=tuple(names)) if config.tasks else replace(config, task=names[0])
