"""Received files: run folders, banks, demonstrations and option files that name code which nobody asked for.

Each is made from a small trained run, whose names are replaced by those of a file, a module or a program that leaves a
mark where it runs. A trial fails if there is a mark, or if the refusal does not name what would have run; what needs no
code has to work without.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from reliability_kinds import Grade, Kind, Outcome

from groundling.agents.config import AgentConfig
from groundling.cli import main
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import GroundlingError
from groundling.training import Checkpoint, PPOConfig, TrainConfig, load_agent, train
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.recording import record
from groundling.training.run_folder import CONFIG_NAME

LEVEL: Final = "BabyAI-GoToObj-v0"
MARK: Final = "it_ran"
CODE: Final = f"""
from pathlib import Path
Path(__file__).with_name("{MARK}").write_text("it ran")
def make_env(): raise SystemExit(1)
class Own: pass
"""
PROGRAM: Final = f'#!/bin/sh\necho "it ran" > "$(dirname "$0")/{MARK}"\n'
AGENT: Final = AgentConfig(hidden_dim=16, word_dim=8, instruction_dim=8)
NEEDS_CODE, NEEDS_NONE = True, False


def make_run(folder: Path) -> None:
    """A run of one update."""
    ppo = PPOConfig(num_steps=8, minibatch_size=64)
    config = TrainConfig(
        task=LEVEL, total_frames=128, num_envs=16, bank_size=32, agent=AGENT, settings=(ppo,), evaluate_every=0
    )
    train(config, folder)


def sent(run: Path, changes: Mapping[str, Any]) -> Path:
    """A copy of a run whose configuration says something else, in both of its files."""
    folder = Path("sent")
    shutil.copytree(run, folder)
    content = torch.load(folder / CHECKPOINT_NAME, weights_only=True)
    config = content["config"]
    for name, value in changes.items():
        part, _, rest = name.partition(".")
        if rest:
            config[part] = {**config[part], rest: value}
        else:
            config[part] = value
    torch.save(content, folder / CHECKPOINT_NAME)
    (folder / CONFIG_NAME).write_text(json.dumps(config))
    return folder


def told(*words: str) -> tuple[int, str]:
    """What a command returns, and what it writes into the error stream."""
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream), contextlib.redirect_stdout(io.StringIO()):
        code = main(words)
    return code, stream.getvalue()


@dataclass(frozen=True)
class Trial:
    """A received file and what is done with it, in a folder that holds the code that it names.

    Attributes:
        name: what is sent.
        do: does it, given the clean run and whether to trust; returns the exit status and the message.
        needs_code: whether it cannot be done without.
    """

    name: str
    do: Callable[[Path, bool], tuple[int, str]]
    needs_code: bool = NEEDS_CODE


def run_trial(name: str, changes: Mapping[str, Any], *words: str, needs_code: bool = NEEDS_CODE) -> Trial:
    """A run folder that a command is given behind its words."""

    def do(run: Path, trusts: bool) -> tuple[int, str]:
        folder = sent(run, changes)
        return told(*words, str(folder), *["--episodes", "4"] * (words[0] in ("evaluate", "watch")), *trusted(trusts))

    return Trial(name, do, needs_code)


def trusted(trusts: bool) -> list[str]:
    """The option."""
    return ["--trust-code"] * trusts


def option_file(name: str, options: Mapping[str, Any]) -> Trial:
    """A file of options for ``train --config``."""

    def do(run: Path, trusts: bool) -> tuple[int, str]:
        Path("options.json").write_text(json.dumps(options))
        return told("train", "--config", "options.json", "--run-folder", "new", *trusted(trusts))

    return Trial(name, do)


def in_python(do: Callable[[], object]) -> tuple[int, str]:
    """The same status and message of what is called in Python."""
    try:
        do()
    except GroundlingError as error:
        return 2, f"{type(error).__name__}: {error}"
    return 0, ""


def play_bank(_: Path, trusts: bool) -> tuple[int, str]:
    """A bank of a task in a file."""
    bank = EpisodeBank.of_seeds(LEVEL, range(4))
    replace(bank, level="evil.py:Own").save("bank.npz")
    return in_python(lambda: make_vec(bank=EpisodeBank.load("bank.npz", trust_code=trusts)))


def recorded() -> None:
    """Demonstrations of a task in a file."""
    found = record(LEVEL, 4, progress=False)
    provenance = replace(found.provenance, task="evil.py:Own")
    from groundling.training.demonstration_file import write_arrays

    facts = {
        "written_by": "somebody",
        "episode_format": 2,
        "vocabulary": found.bank.vocabulary,
        "provenance": vars(provenance),
    }
    write_arrays("evil.demos", facts, found.arrays)


def describe_demonstrations(_: Path, trusts: bool) -> tuple[int, str]:
    """A demonstration file that is described."""
    recorded()
    return told("demos", "evil.demos", *trusted(trusts))


def load_demonstrations(_: Path, trusts: bool) -> tuple[int, str]:
    """A demonstration file that is read in Python."""
    recorded()
    return in_python(lambda: DemonstrationSet.load("evil.demos", trust_code=trusts))


def train_on_demonstrations(_: Path, trusts: bool) -> tuple[int, str]:
    """A demonstration file that is trained on."""
    recorded()
    words = ["train", "--algorithm", "bc", "--task", LEVEL, "--imitation.demonstrations", "evil.demos"]
    return told(*words, "--run-folder", "new", *trusted(trusts))


def start_from(run: Path, trusts: bool) -> tuple[int, str]:
    """Another run's agent to begin with."""
    folder = sent(run, {"agent.vision": "evil.py:Own", "agent.settings": {"evil.py:Own": {}}})
    return told("train", "--task", LEVEL, "--init", str(folder), "--run-folder", "new", *trusted(trusts))


def frozen(run: Path, trusts: bool) -> tuple[int, str]:
    """Another run's rewards."""
    folder = sent(run, {"reward": ["environment", "evil.py:Own"]})
    words = ["train", "--task", LEVEL, "--reward", f"frozen:{folder}", "--total-frames", "100", "--run-folder", "new"]
    return told(*words, *trusted(trusts))


def read_agent(run: Path, trusts: bool) -> tuple[int, str]:
    """An agent that is loaded in Python."""
    folder = sent(run, {"agent.vision": "evil.py:Own", "agent.settings": {"evil.py:Own": {}}})
    return in_python(lambda: load_agent(folder, trust_code=trusts))


def read_checkpoint(run: Path, trusts: bool) -> tuple[int, str]:
    """A checkpoint that is loaded in Python."""
    folder = sent(run, {"algorithm": "evil.py:Own"})
    return in_python(lambda: Checkpoint.load(folder / CHECKPOINT_NAME, trust_code=trusts))


TRIALS: Final = (
    run_trial("evaluate: task in a file", {"task": "evil.py:Own"}, "evaluate"),
    run_trial("evaluate: second task in a file", {"tasks": [LEVEL, "./evil.py:Own"]}, "evaluate"),
    run_trial("evaluate: task in a module", {"task": "evil:Own"}, "evaluate"),
    run_trial("evaluate: id that a file registers", {"task": "evil.py:Own-v0"}, "evaluate"),
    run_trial("evaluate: id that a module registers", {"task": "gym:evil:Own-v0"}, "evaluate"),
    run_trial("evaluate: function of a file", {"task": "evil.py:make_env?arg.x=1"}, "evaluate"),
    run_trial("evaluate: interpreter in a task", {"task": "gym:CartPole-v1?python=./evil"}, "evaluate"),
    run_trial("evaluate: interpreter", {"task": "gym:CartPole-v1", "simulator_python": f".{os.sep}evil"}, "evaluate"),
    run_trial("evaluate: encoder", {"agent.vision": "evil.py:Own", "agent.settings": {"evil.py:Own": {}}}, "evaluate"),
    run_trial("evaluate: algorithm", {"algorithm": "evil.py:Own"}, "evaluate", needs_code=NEEDS_NONE),
    run_trial("evaluate: reward", {"reward": ["environment", "evil.py:Own"]}, "evaluate", needs_code=NEEDS_NONE),
    run_trial("watch: task in a file", {"task": "evil.py:Own"}, "watch"),
    run_trial("train --resume: reward", {"reward": ["evil.py:Own"]}, "train", "--resume"),
    option_file("train --config: task", {"task": "evil.py:Own"}),
    option_file("train --config: tracker", {"task": LEVEL, "track": "evil.py:Own"}),
    Trial("make_vec: bank of a task in a file", play_bank),
    Trial("demos: task in a file", describe_demonstrations),
    Trial("DemonstrationSet.load: task in a file", load_demonstrations),
    Trial("train: demonstrations of a task in a file", train_on_demonstrations),
    Trial("train --init: encoder", start_from),
    Trial("train --reward frozen: reward", frozen),
    Trial("load_agent: encoder", read_agent),
    Trial("Checkpoint.load: algorithm", read_checkpoint),
)


def attempt(trial: Trial, run: Path, folder: Path, *, trusts: bool = False) -> tuple[int, str, bool]:
    """Do it in an empty folder beside the code; returns the exit status, the message, and whether the code ran."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "evil.py").write_text(CODE)
    (folder / "evil").write_text(PROGRAM)
    (folder / "evil").chmod(stat.S_IRWXU)
    before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, "")  # as ``python -m groundling`` has it
    try:
        code, message = trial.do(run, trusts)
    finally:
        os.chdir(before)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if name == "evil" or name.startswith("groundling_file_evil"):
                del sys.modules[name]
    return code, message, (folder / MARK).exists()


def outcome_of(trial: Trial, code: int, message: str, ran: bool) -> Outcome:
    """How a trial without trust ended."""
    if ran:
        return Outcome(Grade.CRASHED, f"{trial.name}: the code ran")
    if not trial.needs_code:
        right = code == 0
        return Outcome(
            Grade.UNCHANGED if right else Grade.WRONG_ERROR,
            "works without the code" if right else f"{trial.name}: refused without need: {message}",
        )
    is_named = "evil" in message and "--trust-code" in message and message.strip().count("\n") == 0
    if code == 2 and is_named:
        return Outcome(Grade.REFUSED, "refused in one line that names the code")
    return Outcome(Grade.WRONG_ERROR, f"{trial.name}: exit status {code}: {message}")


def received_files(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """The trials, one after the other."""
    run = folder / "run"
    make_run(run)
    for number in range(trials):
        trial = TRIALS[number % len(TRIALS)]
        try:
            found = attempt(trial, run, folder / "place")
        except Exception as error:
            yield Outcome(Grade.WRONG_ERROR, f"{trial.name}: {type(error).__name__}: {error}")
            continue
        yield outcome_of(trial, *found)


KINDS = (
    Kind(
        "received_files", "received runs, banks, demonstrations and options that name code", len(TRIALS), received_files
    ),
)
