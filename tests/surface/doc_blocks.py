"""The code blocks of the pages in docs/, and how each is run.

A block is run unless the line above it says why not:

    <!-- not run: REASON -->     its options and syntax are read all the same
    <!-- file: NAME -->          it is written to this file, which later blocks of the page name
    <!-- before: COMMAND -->     anywhere on a page: a command that is run first, so that the page finds its run

Blocks of a page are run in their order, in one folder and one Python namespace.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts and "api" not in page.parts),
)
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>not run|file): (?P<told>[^>]*?) -->\n)?^```(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
BEFORE = re.compile(r"^<!-- before: (.*?) -->$", re.MULTILINE)

# What makes a command that takes minutes one of seconds; "" leaves an option away.
SMALL = {
    "train": {"--total-frames": "1", "--bank-size": "64", "--evaluate-every": "0"},
    "evaluate": {"--episodes": "8", "--no-video": "", "--allow-unseen-words": ""},
    "demos": {"--episodes": "8"},
    "watch": {"--episodes": "1", "--most-steps": "4"},
    "doctor": {"--episodes": "8"},
    "demo": {"--total-frames": "1", "--episodes": "8"},
    "export-habitat": {"--episodes": "1"},
    "questions": {"--episodes": "2"},
    "label": {"--episodes": "8"},
}

# Commands whose options are read only, wherever they stand.
NOT_RUN = {
    "play": "it needs a person at a terminal",
    "playground": "it needs a person at a browser",
    "demo": "it takes a minute, .ci/run runs it",
    "bench": "it measures for seconds, and what it prints is tested elsewhere",
}


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Attributes:
        page: its file.
        line: its first line in it.
        language: what stands behind the fence.
        text: the code.
        reason: why it is not run; empty: it is.
        file: the name under which it is saved instead of run, or empty.
    """

    page: Path
    line: int
    language: str
    text: str
    reason: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[list[str]]:
        """The words of each line of a shell block, comments left away; lines that end in a backslash go on."""
        whole = re.sub(r"\\\n\s*", " ", self.text)
        return [words for line in whole.splitlines() if (words := shlex.split(line, comments=True))]


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in their order."""
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, found.start("text")) + 1,
            found["language"],
            found["text"],
            found["told"] if found["mark"] == "not run" else "",
            found["told"] if found["mark"] == "file" else "",
        )
        for found in FENCE.finditer(text)
    ]


def before(page: Path) -> list[list[str]]:
    """The commands that a page wants to have been run, without the word "groundling"."""
    return [shlex.split(command)[1:] for command in BEFORE.findall(page.read_text())]


def made_small(arguments: list[str], number: int = 1) -> list[str]:
    """The same command on so few frames or episodes that it takes seconds.

    Args:
        arguments: the name of the command and its options.
        number: of the command on its page; a run without a folder of its own has it as its seed, which is a part of the
            folder's name, so that commands which a reader chooses from can be run after one another.
    """
    name, *options = arguments
    told = [option.replace("_", "-") if option.startswith("--") else option for option in options]
    small = dict(SMALL.get(name, {}))
    if "--resume" in told:  # its configuration stays, but for its length
        small = {"--total-frames": "20000"} if "--total-frames" in told else {}
    elif name == "train" and number > 1 and not {"--run-folder", "--seed", "--seeds"} & set(told):
        small["--seed"] = str(number)
    if name in ("demos", "questions", "export-habitat", "label") and "--episodes" not in told:
        small = {}  # it describes or reads a file
    kept: list[str] = []
    skips = False
    for option, as_told in zip(options, told, strict=True):
        if skips:
            skips = False
        elif small.get(as_told):
            skips = True
        else:
            kept.append(option.replace("mcts:64", "mcts:4"))
    return [name, *kept, *(word for pair in small.items() for word in pair if word)]
