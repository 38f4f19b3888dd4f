"""Train an agent on a task, or several; write configuration, checkpoint, TensorBoard logs and metrics into a folder."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tyro
from rich.console import Console

from groundling.cli.options import Parts, config_of, options_of
from groundling.errors import ConfigurationError
from groundling.eval.periodic import PeriodicEvaluation
from groundling.eval.runs import BLIND_NAME
from groundling.training import TrainConfig, Trainer, resume_config
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.presets import Preset, find_preset
from groundling.training.progress import ProgressBar, success_in_words


@dataclass
class Command:
    """Train an agent.

    The options are those of the preset, the algorithm, the vision and the rewards that the command names: `--algorithm
    a2c --help` shows those of A2C.

    Several tasks are trained on at once with --tasks A B C, and mixed by --curriculum: uniform (all alike), stages (in
    this order, each from the success at the one before), progress (most of what is learned fastest) or failures (most
    of what fails most often). With --curriculum.of instructions those of a single task are mixed like this.

    Attributes:
        preset: the settings that the other options begin with: "symbols" (rooms seen as symbols), "mazes" (many rooms,
            long instructions, an expert to learn from), "pixels" (first person), "chaplot" (the same with the network
            of Chaplot et al. 2018) or "doom" (ViZDoom); --preset NAME --help shows them.
        config: what to train.
        run_folder: where the run goes; by default runs/TASK-seedN, of several tasks runs/TASK-and-N-more-KIND-seedN.
        resume: continue the run in this folder with its own configuration (the settings given are not read).
        blind_control: then train the same agent without its eyes into the folder RUN/blind, a control that `groundling
            evaluate` shows beside; of a run that starts from another one (--init) it starts from that one's control.
    """

    parts: ClassVar[Parts]

    preset: Preset = "symbols"
    config: Annotated[Any, tyro.conf.arg(name="")] = None
    run_folder: Path | None = None
    resume: Path | None = None
    blind_control: bool = False

    def run(self) -> None:
        """Train to the end."""
        if self.resume is not None:
            config, folder = resume_config(self.resume), self.resume
        else:
            config = config_of(self.config, self.parts)
            folder = self.run_folder or Path("runs") / folder_name(config)
        console = Console()
        runs = [(config, folder)]
        if self.blind_control:
            runs.append((blind_control_of(config), folder / BLIND_NAME))
        for number, (part, place) in enumerate(runs):
            is_begun = self.resume is not None and (number == 0 or (place / CHECKPOINT_NAME).exists())
            trainer = Trainer(part, place, resume=is_begun, evaluator=PeriodicEvaluation.of(part))
            with ProgressBar(described(part) + " (blind control)" * number, already=trainer.frames) as bar:
                result = trainer.run(bar)
            console.print(
                f"trained {result.frames:,} frames in {result.seconds:.0f} s{' without eyes' * number}: "
                + summary(result.metrics),
                highlight=False,
            )
        console.print(f"the run is in {folder}; next: groundling evaluate {folder}", highlight=False, soft_wrap=True)


def summary(metrics: dict[str, float]) -> str:
    """What a finished run reached, with how many episodes each number is of."""
    parts = [f"{success_in_words(metrics)} episodes, the last of training"]
    if "evaluation_success" in metrics:
        count = metrics["evaluation_episodes"]
        parts.append(f"{metrics['evaluation_success']:.2f} of {count:,.0f} in new worlds by the agent alone")
    return "; ".join(parts)


def command(arguments: Sequence[str]) -> tuple[type[Command], Command]:
    """The class of the command, with the settings of the parts that its options name, and its defaults.

    Raises:
        ConfigurationError: if there is no such preset or part.
    """
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    reader.add_argument("--preset", nargs="?", default=Command.preset)
    named = reader.parse_known_args(arguments)[0].preset
    preset = find_preset(named or Command.preset)  # where the name is left out, tyro says so
    parts = Parts.named_in(arguments, preset)
    options = options_of(preset, parts)
    kind = make_dataclass(
        "Command",
        [("config", Annotated[type(options), tyro.conf.arg(name="")], field(default_factory=lambda: options))],
        bases=(Command,),
        namespace={"__doc__": Command.__doc__, "parts": parts},
    )
    return kind, kind()


def blind_control_of(config: TrainConfig) -> TrainConfig:
    """The same run without eyes; one that starts from another run starts from that one's control.

    Raises:
        ConfigurationError: if the run is blind itself.
    """
    if config.agent.blind:
        raise ConfigurationError("a blind run has no blind control: leave out --agent.blind or --blind-control")
    init = str(Path(config.init) / BLIND_NAME) if config.init else ""
    return replace(config, agent=replace(config.agent, blind=True), init=init)


def described(config: TrainConfig) -> str:
    """A short name of what is trained on."""
    first, *others = config.task_ids
    return f"{first} and {len(others)} more" if others else first


def folder_name(config: TrainConfig) -> str:
    """Where a run goes if nobody says where."""
    kind = f"-{config.curriculum.kind}" if len(config.task_ids) > 1 else ""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", described(config)) + f"{kind}-seed{config.seed}"
