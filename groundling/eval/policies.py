"""Evaluating anybody's policy: a callable, an object that is a policy, a model of another library."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from groundling.agents.baselines import RandomPolicy
from groundling.errors import ActionError, ConfigurationError, ExtensionError
from groundling.eval.evaluation import Evaluation
from groundling.eval.kept_results import EVALUATION_NAME
from groundling.eval.measures import measure_tables
from groundling.eval.optimality import OptimalityGap
from groundling.eval.progress import EvaluationProgress
from groundling.eval.runs import evaluate_suites, kinds_for
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import suite_rows, suites_for, suites_of
from groundling.files import make_folder
from groundling.interfaces import Observation, Policy, Spec
from groundling.own_code import import_place, is_place
from groundling.training.algorithms import STABLE_BASELINES3
from groundling.training.config import TrainConfig
from groundling.training.tasks import families

Act = Callable[[dict[str, NDArray[Any]]], Any]


class CallablePolicy:
    """A function of observations as a policy without a memory.

    Args:
        act: called with a dict of arrays [B, ...] (a copy, so it may write to it), gives actions [B]. B is not always
            the same.
        num_actions: A.
        name: of the function, for messages.
    """

    def __init__(self, act: Act, num_actions: int, name: str = "the policy") -> None:
        self._act, self._num_actions, self._name = act, num_actions, name

    def initial_state(self, num_envs: int) -> Tensor:
        """No memory: [B, 0]."""
        return torch.zeros(num_envs, 0)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The function's actions; how they are drawn is its own affair.

        Raises:
            ActionError: if it gives something else than B integers of actions.
        """
        given = self._act({key: np.array(array) for key, array in observation.items()})
        actions = np.asarray(given)
        if actions.shape != (len(state),) or actions.dtype.kind not in "iu":
            raise ActionError(
                f"{self._name} gave {actions.dtype} {list(actions.shape)}: it is to give one integer for each of the "
                f"{len(state)} observations"
            )
        if len(actions) and not 0 <= actions.min() <= actions.max() < self._num_actions:
            raise ActionError(
                f"{self._name} gave actions from {actions.min()} to {actions.max()}: there are 0 to "
                f"{self._num_actions - 1}"
            )
        return actions.astype(np.int64), state

    def inference_cache(self) -> AbstractContextManager[None]:
        """Nothing to keep."""
        return nullcontext()


def find_policy(name: str, spec: Spec) -> Policy:
    """The policy of this name, for environments of a specification.

    Args:
        name: ``"my_file.py:policy"``, a callable or an object or class with the methods of ``interfaces.Policy``; or
            ``"sb3:PPO:model.zip"``, a saved model of Stable-Baselines3.
        spec: of the environments.

    Raises:
        ConfigurationError: if the name is of neither form, or the policy does not suit the environments.
        ExtensionError: if one's own code cannot be imported, or what is named is no policy.
        CheckpointError: if a model cannot be read.
        MissingPackageError: if its library is not installed.
    """
    if name.startswith(STABLE_BASELINES3):
        scheme, kind, path = (*name.split(":", 2), "", "")[:3]
        if not path:
            raise ConfigurationError(f"name the file of the model as well, as in {scheme}:{kind or 'PPO'}:model.zip")
        from groundling.sb3.policy import load_model_policy

        return load_model_policy(f"{scheme}:{kind}", Path(path).expanduser(), spec)
    if not is_place(name):
        raise ConfigurationError(
            f"a policy is named by its place, my_file.py:policy or package.module:policy, or as a model of another "
            f"library, sb3:PPO:model.zip; not {name!r}"
        )
    return as_policy(import_place(name), spec, name)


def as_policy(found: Any, spec: Spec, name: str) -> Policy:
    """What stands at a place as a policy.

    Raises:
        ExtensionError: if it is none.
    """
    if inspect.isclass(found):
        try:
            found = found()
        except TypeError as error:
            raise ExtensionError(f"{name} is a class that cannot be made without arguments: {error}") from error
    if all(hasattr(found, part) for part in ("act", "initial_state", "inference_cache")):
        return found
    if not callable(found):
        raise ExtensionError(
            f"{name} is a {type(found).__name__}: a policy is a callable (observations [B, ...] by key -> actions "
            "[B]), or has the methods act, initial_state and inference_cache"
        )
    return CallablePolicy(found, spec.num_actions, name)


def evaluate_policy(
    policy: str | Policy | Act,
    task: str,
    suites: Sequence[str] = (),
    *,
    episodes: int = 1000,
    greedy: bool = False,
    seed: int = 0,
    allow_unseen_words: bool = False,
    by: Sequence[str] = (),
    optimality: bool = False,
    progress: bool | EvaluationProgress = True,
) -> SuiteReport:
    """Evaluate any policy and its controls (random, shuffled instructions, others' documents) on suites of a task.

    Args:
        policy: see :func:`find_policy`; or the policy or the callable itself.
        task: its id.
        suites: names of its suites, or "all"; none takes the usual ones.
        episodes: of each suite.
        greedy: take the likeliest action instead of drawing one, where the policy knows the difference.
        seed: names the episodes and draws.
        allow_unseen_words: run suites with words that the task's training episodes never tell as well.
        by: break the episodes down by these as well.
        optimality: compare the returns with the best possible ones, see ``OptimalityGap``.
        progress: show bars.

    Raises:
        ConfigurationError, SplitError: as ``evaluate_run``.
        GroundlingError: as :func:`find_policy`.
    """
    if episodes < 1:
        raise ConfigurationError(f"episodes must be at least 1, got {episodes}")
    config = TrainConfig(task=task)
    tasks = families(config)
    spec = tasks[0].spec
    player = find_policy(policy, spec) if isinstance(policy, str) else as_policy(policy, spec, "the policy")
    asked, kinds = suites_for(tasks, suites), kinds_for(tasks, by)
    rows, left_out = suite_rows(
        config, asked, episodes=episodes, seed=seed, allow_unseen_words=allow_unseen_words, progress=bool(progress)
    )
    policies: dict[str, Policy] = {"trained": player, "random": RandomPolicy(spec.num_actions)}
    results: dict[str, dict[str, Evaluation]] = {}
    told = progress if isinstance(progress, EvaluationProgress) else None
    for row, agent, evaluation in evaluate_suites(
        policies, rows, greedy=greedy, seed=seed, progress=told, judges=[OptimalityGap] if optimality else []
    ):
        results.setdefault(row, {})[agent] = evaluation
    return SuiteReport(
        task,
        greedy,
        episodes,
        seed,
        results,
        left_out,
        kinds,
        suites=suites_of(tasks),
        groupings={name: row.family.groups for name, row in rows.items()},
        rows=rows,
        agent={"policy": policy if isinstance(policy, str) else type(policy).__qualname__},
    )


def report_policy(
    policy: str, task: str, folder: Path, *, console: Console | None = None, **options: Any
) -> SuiteReport:
    """Evaluate a policy, print the tables, and write evaluation.json into a folder; options of :func:`evaluate_policy`.

    Raises:
        StorageError: if the folder cannot be written.
        GroundlingError: as :func:`evaluate_policy`.
    """
    console = console or Console()
    console.print(f"evaluating {policy}", highlight=False, markup=False, soft_wrap=True)
    with EvaluationProgress() as progress:
        report = evaluate_policy(policy, task, progress=progress, **options)
    try:
        make_folder(folder)
        report.save(folder)
    finally:  # where they cannot be written, they are at least read
        for table in [*report.tables(), *measure_tables(report.measures)]:
            console.print(table, markup=False)
    console.print(report.legend(), highlight=False, markup=False, soft_wrap=True)
    for kind in dict.fromkeys(options.get("by", ())):
        for table in report.breakdown_tables(kind):
            console.print(table, markup=False)
    console.print(f"Numbers: {folder / EVALUATION_NAME}", highlight=False, markup=False, soft_wrap=True)
    return report
