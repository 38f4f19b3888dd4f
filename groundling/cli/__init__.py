"""The command line: the only reader of argv. Each command is one file, imported only when it is called."""

from __future__ import annotations

import difflib
import importlib
import io
import itertools
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from types import ModuleType
from typing import Any

from groundling import job
from groundling.errors import ConfigurationError, GroundlingError, ToldElsewhereError
from groundling.hub import is_on_hub, local_run
from groundling.interruption import Interrupted, signals_as_errors
from groundling.processes import follow_parent
from groundling.trust import OPTION, command_line

FETCHES_ITSELF = frozenset({"push"})  # commands that also take a place on the hub where nothing is to be fetched
MOMENT_S = 10.0  # for another process to say what is wrong

# What a person wants to do -> commands and what each does; one line a command, in the order of `groundling --help`.
GROUPS = {
    "start": {
        "demo": "train, evaluate and report in a few minutes",
        "watch": "write a video of an agent that you instruct",
        "play": "move an agent yourself",
        "playground": "talk to agents on a page in the browser",
    },
    "train": {
        "train": "train an agent on a task",
        "demos": "record an expert's demonstrations to a file",
        "label": "compare pairs of trajectories, to learn from them",
    },
    "evaluate": {
        "evaluate": "evaluate an agent and its controls",
        "push": "publish an agent and its model card on a hub",
        "compare": "compare two runs, or two groups of seeds",
    },
    "look inside": {
        "plot": "draw training curves, means over seeds, intervals",
        "doctor": "check a run: what is wrong, and what to try",
        "exact": "solve an episode: optimal values and policy",
    },
    "data": {
        "tasks": "list the tasks, each with an example instruction",
        "questions": "write questions and their houses to a file",
        "export-habitat": "write houses and episodes for Habitat",
    },
    "extend": {
        "list": "list tasks, algorithms, encoders, suites ...",
        "bench": "measure steps a second, compared with MiniGrid",
        "completion": "print what completes commands in bash or zsh",
    },
}
COMMANDS = {name: what for group in GROUPS.values() for name, what in group.items()}

TRUST_HELP = (
    f"With {OPTION}, code of somebody's own that a run, bank, demonstration or option file names is run as well; "
    "without, only what this command line names."
)


def program() -> int:
    """The command of this process, for its exit; a process of a job ends here."""
    status = main()
    if job.size() > 1:
        job.end(status)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 on success, 2 for a wrong option, a missing run or any other mistake that an error message explains, 130 if
        interrupted by Ctrl-C, 128 and its number after another signal.
    """
    follow_parent()
    with signals_as_errors():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    """As :func:`main`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        from groundling import __version__

        print(f"groundling {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f": choose one of {', '.join(COMMANDS)}"
        return fail(f"there is no command {name!r}{hint}")
    logging.basicConfig(format="groundling: %(message)s", level=logging.WARNING)
    logging.getLogger("groundling").setLevel(logging.INFO)
    trust, rest = OPTION in rest, [argument for argument in rest if argument != OPTION]
    try:
        if name not in FETCHES_ITSELF and not {"-h", "--help"} & set(rest):
            rest = [fetched(argument, before) for before, argument in zip(["", *rest], rest, strict=False)]
        with command_line(rest, trust_code=trust):
            command = parse(name, rest)
            if command is not None:
                command.run()
    except GroundlingError as error:
        return fail_by(_shared(name, error))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
    except Interrupted as stop:
        if job.rank() == 0:
            print(f"\ngroundling: {stop}", file=sys.stderr)
        return stop.exit_code
    except KeyboardInterrupt:
        print("\ngroundling: interrupted", file=sys.stderr)
        return 130
    return 0


def parse(name: str, arguments: Sequence[str]) -> Any:
    """The command of this name with its options; None after --help.

    Raises:
        GroundlingError: for a wrong option, in one line.
    """
    # Threads that wait for one another slow small networks down, on busy machines many times over.
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # PyTorch reads it when it is imported; training has its own setting
    with _loading():
        import tyro

        module = module_of(name)
    description = f"{(module.__doc__ or '').rstrip()}\n\n{TRUST_HELP}"
    told: dict[str, Any] = {"prog": f"groundling {name}", "args": arguments, "description": description}
    kind = module.Command
    if hasattr(module, "command"):  # some options decide which others there are
        kind, told["default"] = module.command(arguments)
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            return tyro.cli(kind, **told)
    except SystemExit as stop:
        if not stop.code:
            return None
        raise GroundlingError(one_line(complaint.getvalue(), f"groundling {name}")) from None


def fetched(argument: str, before: str = "") -> str:
    """An argument as it is, or the folder of the run if it is one on the hub, ``hub:USER/NAME`` or ``--init=hub:...``.

    Args:
        argument: of a command.
        before: the argument before it.

    Raises:
        ConfigurationError, HubError, MissingPackageError: if it cannot be fetched, or would be trained on where it is.
    """
    option, value = argument.split("=", 1) if argument.startswith("--") and "=" in argument else ("", argument)
    if not is_on_hub(value):
        return argument
    folder = str(local_run(value))
    if "--resume" in (option, before):
        raise ConfigurationError(
            f"what was fetched stays as it was published: begin a new run from it, --init {value}, or resume a copy of "
            f"{folder}"
        )
    return f"{option}={folder}" if option else folder


def module_of(name: str) -> ModuleType:
    """The module of the command of this name; that of "list" is called otherwise, as it would hide Python's own."""
    return importlib.import_module(f"groundling.cli.{'listing' if name == 'list' else name.replace('-', '_')}")


@contextmanager
def _loading() -> Iterator[None]:
    """Say in a terminal that something is loaded, as PyTorch takes seconds; the line is erased afterwards."""
    if not sys.stderr.isatty():
        yield
        return
    print("loading ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def one_line(complaint: str, program: str) -> str:
    """Tyro's framed complaint about the options as one line: its first section, and its first suggestion.

    Where standard output does not take UTF-8 the frame is left away, and its title is a section of its own.
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", complaint)
    lines = plain.splitlines()
    framed = [line[1:-1].strip() for line in lines if line.startswith("│") and line.endswith("│")]
    inside = framed or [line.strip() for line in lines]
    sections = [section.strip() for section in re.split(r"[─-]{5,}", " ".join(inside))][0 if framed else 1 :] or [""]
    suggestion = next((re.search(r"--[\w.-]+", s) for s in sections if s.startswith("Perhaps you meant")), None)
    text = re.sub(r"\s+", " ", sections[0]).rstrip(".") or "the options could not be read"
    if text.startswith("Missing from") and (names := _missing(plain)):
        text = f"give {' and '.join(names)}"
    text += f"; did you mean {suggestion.group()}?" if suggestion else "."
    return f"{text} See `{program} --help`"


def _missing(complaint: str) -> list[str]:
    """The arguments that Tyro misses: each has a line of its own, less deep than its description."""
    lines = re.sub(r"^│ ?|│$", "", complaint.partition("Missing from")[2], flags=re.MULTILINE).splitlines()[1:]
    deep = [(len(line) - len(line.lstrip()), line.strip()) for line in lines if line.strip()]
    own = deep[0][0] if deep else 0
    return [text for depth, text in itertools.takewhile(lambda line: line[0] >= own, deep) if depth == own]


def usage() -> str:
    """The text of ``groundling --help``: 80 columns and 24 lines, as the smallest terminals have."""
    left, width = max(map(len, GROUPS)), max(map(len, COMMANDS))
    lines = [
        f"  {'' if place else group:<{left}}  {name:<{width}}  {what}"
        for group, commands in GROUPS.items()
        for place, (name, what) in enumerate(commands.items())
    ]
    return "\n".join(
        [
            "usage: groundling COMMAND [OPTIONS]    (groundling COMMAND --help: its options)",
            "Train and test agents that act on language.",
            "",
            *lines,
            "",
            f"{OPTION}, for every command: also run code that a run or file names.",
        ]
    )


def _shared(name: str, error: GroundlingError) -> GroundlingError:
    """The error of a command, where several processes run it the one that this process is to tell."""
    if name != "train" or job.size() == 1:
        return error
    from groundling.training.ranks import shared

    return shared(error)


def fail_by(error: GroundlingError) -> int:
    """Say in one line what an error says, unless another process of the job does."""
    if isinstance(error, ToldElsewhereError):
        time.sleep(MOMENT_S)  # torchrun ends all processes when the first one is gone, which may be this one
        return 2
    message = error.strerror if isinstance(error, OSError) else str(error)
    text = " ".join((message or str(error)).split())
    return fail(f"process {job.rank()}: {text}" if job.rank() else text)


def fail(message: str) -> int:
    """Say in one line what is wrong."""
    print(f"groundling: {message}", file=sys.stderr)
    return 2
