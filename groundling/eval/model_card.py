"""The card of a published agent: what it is, what it reaches, how it is loaded. YAML for the hub, then Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from groundling.envs.families.base import EnvFamily
from groundling.errors import GroundlingError
from groundling.eval.facts import run_facts
from groundling.eval.kept_results import EVALUATION_NAME
from groundling.eval.results import RunResults, read_results
from groundling.eval.statistics import wilson_interval
from groundling.eval.suite_report import AGENTS
from groundling.eval.suites import describe_suite, split_row, suites_of
from groundling.hub import SCHEME, import_hub
from groundling.own_code import is_place
from groundling.training.algorithms import LEFT_OUT
from groundling.training.checkpoint import Checkpoint
from groundling.training.tasks import families

TAGS: Final = ("reinforcement-learning", "language-grounding", "instruction-following", "embodied-ai")
METRIC: Final = "success_rate"


@dataclass(frozen=True)
class Published:
    """What a card tells of an agent.

    Attributes:
        checkpoint: of the run.
        tasks: its families; empty where their code may not be run.
        results: of its evaluation, of this very agent; None if there are none.
        note: why there are no results, where the run has some.
    """

    checkpoint: Checkpoint
    tasks: tuple[EnvFamily, ...]
    results: RunResults | None
    note: str = ""

    @classmethod
    def of(cls, folder: Path, checkpoint: Checkpoint) -> Published:
        """What is known of the agent of a run.

        An evaluation of another agent than the checkpoint's, as of an earlier or the best one, is left out.

        Raises:
            RunFolderError: if its evaluation is damaged.
        """
        try:
            tasks = families(checkpoint.config)
        except GroundlingError:  # code of somebody's own, a simulator that is not installed: the card tells less
            tasks = ()
        if not (folder / EVALUATION_NAME).is_file():
            return cls(checkpoint, tasks, None, "It was not evaluated before it was published.")
        results = read_results(folder)
        evaluated = json.loads((folder / EVALUATION_NAME).read_text()).get("agent", {})
        if evaluated.get("fingerprint") != checkpoint.fingerprint or "planner" in evaluated:
            note = "The evaluation in its run is of another agent, as an earlier checkpoint or one with a planner."
            return cls(checkpoint, tasks, None, note)
        return cls(checkpoint, tasks, results)

    @property
    def own_code(self) -> tuple[str, ...]:
        """Names of code outside Groundling that the agent needs to act, or was trained with."""
        config = self.checkpoint.config
        named = (*config.task_ids, config.agent.vision, *config.agent.encoders, config.algorithm, *config.reward)
        told = dict.fromkeys(name.removeprefix(LEFT_OUT) for name in named)
        return tuple(name for name in told if is_place(name))

    def describe(self, suite: str) -> str:
        """What a suite tests; nothing where that is not known."""
        try:
            return describe_suite(suite, suites_of(self.tasks)) if self.tasks else ""
        except (GroundlingError, KeyError):
            return ""


def model_card(published: Published, repository: str, *, license: str = "mit", has_video: bool = False) -> str:
    """The text of a card.

    Args:
        published: what it is about.
        repository: ``"USER/NAME"`` on the hub.
        license: an identifier that the hub knows, ``"mit"``.
        has_video: whether a video of episodes is published as well.

    Raises:
        MissingPackageError: if huggingface_hub, which writes the metadata, is not installed.
    """
    name = repository.rpartition("/")[2]
    config = published.checkpoint.config
    hub = import_hub()
    data = hub.ModelCardData(
        library_name="groundling",
        license=license,
        tags=[*TAGS, *config.task_ids],
        pipeline_tag="reinforcement-learning",
        model_name=name,
        eval_results=_eval_results(published, hub) or None,
    )
    sections = [
        f"---\n{data.to_yaml()}\n---\n\n# {name}",
        _introduction(published),
        _results(published, has_video=has_video),
        _use(repository, published),
        _table({"": "", **_facts(published)}, "Training"),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _eval_results(published: Published, hub: Any) -> list[Any]:
    """The success of each suite as entries of a ``model-index``."""
    results = published.results
    found = []
    for row, agents in results.scores.items() if results is not None else ():
        score = agents.get("trained")
        if score is None:
            continue
        task, suite = split_row(row)
        task = task or results.task  # type: ignore[union-attr]
        interval = [round(bound, 4) for bound in wilson_interval(score.successes, score.episodes)]
        found.append(
            hub.EvalResult(
                task_type="reinforcement-learning",
                task_name="reinforcement learning",
                dataset_type=task,
                dataset_name=task,
                dataset_split=suite,
                metric_type=METRIC,
                metric_name=f"success rate, {suite}",
                metric_value=round(score.success, 4),
                metric_args={"episodes": score.episodes, "interval_95": interval},
            )
        )
    return found


def _introduction(published: Published) -> str:
    ids = ", ".join(f"`{id}`" for id in published.checkpoint.config.task_ids)
    lines = [f"An agent that acts on language in {ids}, trained with Groundling."]
    lines += [f"{family.description}." for family in published.tasks[:1]]
    return " ".join(lines)


def _results(published: Published, *, has_video: bool) -> str:
    if published.results is None:
        return f"## Results\n\n{published.note}"
    results = published.results
    controls = [agent for agent in results.agents if agent != "trained"]
    header = ["suite", "what it tests", "success", "95 % interval", "episodes", *controls]
    rows = []
    for name, agents in results.scores.items():
        if "trained" not in agents:
            continue
        own = agents["trained"]
        low, high = wilson_interval(own.successes, own.episodes)
        measured = [f"{own.success:.3f}", f"[{low:.3f}, {high:.3f}]", f"{own.episodes:,}"]
        others = [f"{agents[agent].success:.3f}" if agent in agents else "" for agent in controls]
        rows.append([name, published.describe(name), *measured, *others])
    how = "the likeliest action" if results.greedy else "actions sampled from the policy"
    lines = [f"Success rates with {how}, seed {results.seed} of the episodes. Columns after `episodes` are controls:"]
    lines += [f"`{agent}`: {AGENTS[agent]}." for agent in controls if agent in AGENTS]
    video = "\n\nEpisodes as they were evaluated are in [replay.mp4](replay.mp4)." if has_video else ""
    return "## Results\n\n" + _markdown(header, rows) + "\n\n" + " ".join(lines) + video


def _use(repository: str, published: Published) -> str:
    place = f"{SCHEME}{repository}"
    trust = " --trust-code" if published.own_code else ""
    text = f"""## Use

```
pip install 'groundling[hub]'
groundling watch {place}{trust}       # a video of its episodes
groundling evaluate {place}{trust}    # its success, with controls and a report
```

```python
from groundling.training import load_agent

agent = load_agent("{place}"{", trust_code=True" if trust else ""})
```

The files hold settings and parameters, no code."""
    if published.own_code:
        named = ", ".join(f"`{name}`" for name in published.own_code)
        text += (
            f" The run names code outside Groundling, {named}, which is not among them: get it from the author, and "
            "read it before you trust it."
        )
    return text


def _facts(published: Published) -> dict[str, str]:
    checkpoint = published.checkpoint
    config = checkpoint.config
    if published.tasks:
        return run_facts(checkpoint, checkpoint.make_agent(), published.tasks)
    return {"task": ", ".join(config.task_ids), "frames": f"{checkpoint.frames:,}", "seed": str(config.seed)}


def _table(facts: Mapping[str, str], title: str) -> str:
    (head, *rows) = facts.items()
    return f"## {title}\n\n" + _markdown(list(head), [list(row) for row in rows])


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
