"""The command line: the only reader of argv. Each command is one file, imported only when it is called."""

from __future__ import annotations

import difflib
import importlib
import io
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

from groundling.errors import GroundlingError
from groundling.interruption import Interrupted, signals_as_errors
from groundling.processes import follow_parent
from groundling.trust import OPTION, command_line

COMMANDS = {
    "train": "train an agent on a task",
    "evaluate": "evaluate a run's agent and its controls; write a report",
    "compare": "compare the evaluations of two runs or groups of seeds",
    "doctor": "check a run: what is wrong with it, and what to try",
    "exact": "solve an episode exactly: optimal values and policy",
    "plot": "draw training curves: the mean over seeds and its interval",
    "demos": "record an expert's demonstrations to a file, or describe one",
    "tasks": "list the tasks, one line each",
    "questions": "write questions and their houses to a file, or describe one",
    "export-habitat": "write houses and episodes for Habitat, or describe episodes",
    "play": "move an agent yourself, seen from above or in first person",
    "playground": "open a page in the browser: talk to agents, change their worlds, look at runs",
    "label": "compare pairs of trajectories, to learn from preferences",
    "watch": "write a video of an agent's episodes, step by step",
    "bench": "measure steps a second on this machine, compared with MiniGrid",
    "demo": "train, evaluate and report in a few minutes",
}

TRUST_HELP = (
    f"With {OPTION}, code of somebody's own that a run, bank, demonstration or option file names is run as well; "
    "without, only what this command line names."
)


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
        with command_line(rest, trust_code=trust):
            command = parse(name, rest)
            if command is not None:
                command.run()
    except GroundlingError as error:
        message = error.strerror if isinstance(error, OSError) else str(error)
        return fail(" ".join((message or str(error)).split()))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
    except Interrupted as stop:
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

        module = importlib.import_module(f"groundling.cli.{name.replace('-', '_')}")
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
    lines = re.sub(r"\x1b\[[0-9;]*m", "", complaint).splitlines()
    framed = [line[1:-1].strip() for line in lines if line.startswith("│") and line.endswith("│")]
    inside = framed or [line.strip() for line in lines]
    sections = [section.strip() for section in re.split(r"[─-]{5,}", " ".join(inside))][0 if framed else 1 :] or [""]
    suggestion = next((re.search(r"--[\w.-]+", s) for s in sections if s.startswith("Perhaps you meant")), None)
    text = re.sub(r"\s+", " ", sections[0]).rstrip(".") or "the options could not be read"
    text += f"; did you mean {suggestion.group()}?" if suggestion else "."
    return f"{text} See `{program} --help`"


def usage() -> str:
    """The text of ``groundling --help``."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "usage: groundling COMMAND [OPTIONS]",
            "",
            "Train and test agents that act on language.",
            "",
            "commands:",
            *lines,
            "",
            "`groundling COMMAND --help` lists a command's options and their defaults.",
            f"Every command takes {OPTION}: also run code of somebody's own (my.py:MyTask)",
            "that a run or file names, not only what the command line names.",
        ]
    )


def fail(message: str) -> int:
    """Say in one line what is wrong."""
    print(f"groundling: {message}", file=sys.stderr)
    return 2
