"""Train an agent on a task, or several; write configuration, checkpoint, TensorBoard logs and metrics into a folder."""

from __future__ import annotations

import argparse
import logging
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tyro
from rich.console import Console

from groundling.agents.encoders import ENCODERS
from groundling.cli.option_files import OptionFile, read_option_file
from groundling.cli.options import Parts, config_of, options_of
from groundling.cli.seeds import check_seeds, seed_folder, train_side_by_side, training_summary
from groundling.errors import ConfigurationError
from groundling.eval.periodic import PeriodicEvaluation
from groundling.eval.runs import BLIND_NAME
from groundling.training import TrainConfig, Trainer, resume_config
from groundling.training.algorithms import ALGORITHMS
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.presets import Preset, find_preset
from groundling.training.progress import ProgressBar
from groundling.training.ranks import Ranks, join_job, leave_job
from groundling.training.restarts import is_restarted, note_job
from groundling.training.rewards import REWARDS
from groundling.training.run_folder import CHANGEABLE, kept_differences
from groundling.training.tasks import families
from groundling.training.tracking import TrackedProgress, check_tracker, make_tracker
from groundling.trust import OPTION, has_run_code

SEEDS_AND_RESUME = "--seeds begins new runs: continue one of them with --resume RUN/seed1"


@dataclass
class Command:
    """Train an agent.

    The options are those of the preset, the algorithm, the vision and the rewards that the command names: `--algorithm
    a2c --help` shows those of A2C.

    Several tasks are trained on at once with --tasks A B C, and mixed by --curriculum: uniform (all equally often),
    stages (added one by one in this order, the next one when the newest succeeds), progress (more often those
    whose success changes fastest) or failures (more often those that fail most). With --curriculum.of instructions the
    instructions of a single task are mixed like this.

    `torchrun --nproc-per-node 2 -m groundling train ...` trains one agent by two processes, each with half of
    --num-envs and of every minibatch.

    Attributes:
        preset: defaults of the other options: "symbols" (one room, symbolic observations), "mazes" (many rooms, long
            instructions, DAgger), "pixels" (first person), "chaplot" (the same with the network of Chaplot et al. 2018)
            or "doom" (ViZDoom); --preset NAME --help shows them.
        config: file with options: the config.json of a run, or JSON, TOML or YAML with some of the options of this
            command, such as `total-frames: 1e6` and `ppo.gamma: 0.95`. It overrides the preset; options on the command
            line override it.
        options: what to train.
        run_folder: folder of the new run; by default runs/TASK-seedN, for several tasks
            runs/TASK-and-N-more-CURRICULUM-seedN, with --seeds without -seedN.
        resume: folder of a run to continue, with its own configuration. --total-frames trains it for longer; --device,
            --torch-threads, --checkpoint-seconds, --evaluate-every and --evaluation-episodes may change as well, and
            --blind-control and --track be given; other options must have the run's own values.
        blind_control: afterwards, also train the same agent without its image, into RUN/blind: a control that
            `groundling evaluate` shows next to the agent. With --init RUN it starts from RUN/blind.
        seeds: random seeds, instead of --seed: train once for each, into RUN/seed1, RUN/seed2 ..., and print the mean;
            `groundling plot RUN` draws it.
        jobs: with --seeds, number of seeds to train at the same time, each in its own process.
        track: tracker that also gets the metrics: "wandb" (Weights & Biases, needs pip install 'groundling[wandb]'), or
            your own, my_file.py:MyTracker.
    """

    parts: ClassVar[Parts]

    preset: Preset = "symbols"
    config: Path | None = None
    options: Annotated[Any, tyro.conf.arg(name="")] = None
    run_folder: Path | None = None
    resume: Path | None = None
    blind_control: bool = False
    seeds: tuple[int, ...] = ()
    jobs: int = 1
    track: str = ""

    def run(self) -> None:
        """Train to the end, together with the other processes of a job where ``torchrun`` started several."""
        ranks = join_job(uses_cuda=str(getattr(self.options, "device", "")).startswith("cuda"))
        if not ranks.is_first:
            logging.getLogger("groundling").setLevel(logging.ERROR)
        try:
            self._run(ranks)
        finally:
            leave_job()

    def _run(self, ranks: Ranks) -> None:
        with ranks.together():
            if self.track:
                check_tracker(self.track)
            if self.seeds and ranks.size > 1:
                raise ConfigurationError("--seeds trains in processes of its own: leave torchrun out, or give --seed")
            if self.jobs != 1 and not self.seeds:
                raise ConfigurationError("--jobs is for several seeds: give them with --seeds 1 2 3")
        if self.seeds:
            self._train_seeds()
            return
        with ranks.together():
            config = config_of(self.options, self.parts)
            folder = self.resume or self.run_folder or Path("runs") / folder_name(config)
            if self.resume is None and is_restarted(folder):
                self.resume = folder
            if self.resume is not None:
                config = self._resumed(config)
        self._train(config, folder)
        if not ranks.is_first:
            return
        trust = f" {OPTION}" if has_run_code() else ""
        told = f"the run is in {folder}; next: groundling evaluate {folder}{trust}"
        Console().print(told, highlight=False, markup=False, soft_wrap=True)

    def _resumed(self, config: TrainConfig) -> TrainConfig:
        """The configuration of the run that is resumed, with what may change as the options say.

        Raises:
            ConfigurationError: if an option says otherwise than the run.
        """
        assert self.resume is not None
        own = resume_config(self.resume)
        if self.run_folder is not None and self.run_folder.resolve() != self.resume.resolve():
            raise ConfigurationError(f"--resume goes on in {self.resume}: leave out --run-folder {self.run_folder}")
        told = config.to_dict()  # without settings that the run keeps for others, and for which there are no options
        kept = kept_differences(own, replace(config, made_by=own.made_by))
        if different := [name for name in kept if name.partition(".")[0] in told]:
            options = ", ".join(map(_option, different))
            changeable = ", ".join(map(_option, CHANGEABLE))
            raise ConfigurationError(
                f"a resumed run keeps its configuration, and {self.resume} has another {options}: leave it out, or "
                f"begin a new run; what may change is {changeable}"
            )
        return replace(own, **{name: getattr(config, name) for name in CHANGEABLE})

    def _train(self, config: TrainConfig, folder: Path) -> None:
        """One run, and its control if there is to be one."""
        runs = [(config, folder)]
        if self.blind_control:
            runs.append((blind_control_of(config), folder / BLIND_NAME))
        seed = f", seed {config.seed}" if self.seeds else ""
        for number, (part, place) in enumerate(runs):
            is_begun = self.resume is not None and (number == 0 or (place / CHECKPOINT_NAME).exists())
            trainer = Trainer(part, place, resume=is_begun, evaluator=PeriodicEvaluation.of(part))
            told = described(part) + seed + " (blind control)" * number
            is_first = trainer.ranks.is_first
            if trainer.updates >= trainer.config.num_updates:
                trainer.close()
                if is_first:
                    print(f"{told}: the run is complete ({trainer.frames:,} frames): nothing to do")
                continue
            if not is_first:
                trainer.run()
                continue
            note_job(place)
            tracker = make_tracker(self.track, place, trainer.config, resume=is_begun)
            with ProgressBar(told, already=trainer.frames) as bar, TrackedProgress(bar, tracker) as progress:
                result = trainer.run(progress)
            Console().print(
                f"trained {result.frames:,} frames in {result.seconds:.0f} s{' without the image' * number}: "
                + summary(result.metrics),
                highlight=False,
                markup=False,
            )

    def _train_seeds(self) -> None:
        """One run for each seed, then their mean."""
        if self.resume is not None:
            raise ConfigurationError(SEEDS_AND_RESUME)
        config = config_of(self.options, self.parts)
        folder = self.run_folder or Path("runs") / folder_name(config, with_seed=False)
        check_seeds(self.seeds, self.jobs, folder)
        families(config)  # a task whose code may not run is refused here, not in each process
        if self.blind_control:
            blind_control_of(config)  # refuses a run that is blind itself
        if self.jobs > 1:
            train_side_by_side(
                config,
                folder,
                self.seeds,
                jobs=self.jobs,
                description=described(config),
                options=["--blind-control"] * self.blind_control + ["--track", self.track] * bool(self.track),
            )
        else:
            for seed in self.seeds:
                self._train(replace(config, seed=seed), seed_folder(folder, seed))
        summary = training_summary(folder, self.seeds)
        Console().print(summary, markup=False, highlight=False, soft_wrap=True)


def summary(metrics: dict[str, float]) -> str:
    """The success of a finished run: of its last training episodes, and who acted in them; of its last evaluation."""
    success, window, who = (metrics.get(name, 0.0) for name in ("success", "window", "teacher_share"))
    if not window:
        parts = ["no episode has ended"]
    elif math.isnan(success):
        parts = ["the environments report no success"]
    elif who >= 1:
        parts = [f"the expert's success is {success:.2f} in its last {window:,.0f} episodes"]
    else:
        mixed = f" (the expert took {who:.0%} of the actions)" if who > 0 else ""
        parts = [f"success {success:.2f} in the last {window:,.0f} training episodes{mixed}"]
    if "evaluation_success" in metrics:
        count = metrics["evaluation_episodes"]
        parts.append(
            f"the agent's success is {metrics['evaluation_success']:.2f} in {count:,.0f} episodes of unseen layouts"
        )
    elif who > 0:
        parts.append("the agent was not evaluated")
    return "; ".join(parts)


def command(arguments: Sequence[str]) -> tuple[type[Command], Command]:
    """The class of the command, with the settings of the parts that its options name, and its defaults.

    Raises:
        ConfigurationError: if there is no such preset or part, or the file of --config cannot be read.
    """
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    reader.add_argument("--preset", nargs="?", default=Command.preset)
    reader.add_argument("--config", nargs="?")
    reader.add_argument("--resume", nargs="?")
    named = reader.parse_known_args(arguments)[0]
    preset = named.preset or Command.preset  # where the name is left out, tyro says so
    if named.resume:
        given = {argument.partition("=")[0] for argument in arguments}
        if "--seeds" in given:
            raise ConfigurationError(SEEDS_AND_RESUME)
        for option in ("--preset", "--config"):
            if option in given:
                raise ConfigurationError(
                    f"--resume {named.resume} goes on with that run's own options: leave {option} out"
                )
        file = OptionFile(resume_config(named.resume), {})
    elif named.config:
        file = read_option_file(Path(named.config), preset)
    else:
        file = OptionFile(find_preset(preset), {})
    config, told = overruled(file, arguments)
    parts = Parts.named_in(arguments, config)
    options = options_of(config, parts)
    kind = make_dataclass(
        "Command",
        [("options", Annotated[type(options), tyro.conf.arg(name="")], field(default_factory=lambda: options))],
        bases=(Command,),
        namespace={"__doc__": Command.__doc__, "parts": parts},
    )
    return kind, kind(**told)


def variants() -> Iterator[list[str]]:
    """Arguments that bring, one after the other, the settings of every part: for shell completion."""
    for option, registry in (("--algorithm", ALGORITHMS), ("--reward", REWARDS), ("--agent.vision", ENCODERS)):
        for name in registry.names():
            yield [option, name]


def overruled(file: OptionFile, arguments: Sequence[str]) -> tuple[TrainConfig, dict[str, Any]]:
    """What a file says, less what an option of another name overrules: --task its tasks, --seed its seeds.

    Returns:
        the configuration, and the values of the command's own options by field.
    """
    given = {argument.partition("=")[0] for argument in arguments}
    config, told = file.config, dict(file.command)
    if "--task" in given and "--tasks" not in given:
        config = config.alone(config.task)
    if "--seed" in given:
        told.pop("seeds", None)
    if "run_folder" in told:
        told["run_folder"] = Path(told["run_folder"])
    if "seeds" in told:
        told["seeds"] = tuple(told["seeds"])
    return config, told


def _option(name: str) -> str:
    """The option of a setting: ``"--agent.cell-dim"`` of "agent.settings.symbolic.cell_dim"."""
    return "--" + re.sub(r"^agent\.settings\.[^.]+\.", "agent.", name).replace("_", "-")


def blind_control_of(config: TrainConfig) -> TrainConfig:
    """The same run without its image; one that starts from another run starts from that one's control.

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


def folder_name(config: TrainConfig, *, with_seed: bool = True) -> str:
    """Where a run, or those of several seeds, go if nobody says where."""
    kind = f"-{config.curriculum.kind}" if len(config.task_ids) > 1 else ""
    seed = f"-seed{config.seed}" if with_seed else ""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", described(config)) + kind + seed
