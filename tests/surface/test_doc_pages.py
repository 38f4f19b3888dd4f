"""Every code block of README and docs/ is run, or says why not; its options and names exist either way."""

from __future__ import annotations

import os
import re
import sys
import tomllib
import types
from pathlib import Path

import pytest
from doc_blocks import NOT_RUN, PAGES, ROOT, Block, before, blocks_of, made_small

from groundling.cli import COMMANDS, main, parse
from groundling.trust import OPTION

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
# Pages of what is not everywhere: options and names are checked, nothing is run.
NEEDS = {
    "docs/habitat.md": "habitat-sim, in an interpreter of its own",
    "docs/scale.md": "several processes, machines or GPUs",
    "docs/env_device.md": "a GPU",
    "docs/playground.md": "a browser",
    "docs/hub.md": "the network",
    "docs/shell_completion.md": "a shell of the reader's",
}
LANGUAGES = {"python", "bash", "text", "toml", "yaml", "json"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


RUN = [page for page in PAGES if name_of(page) not in NEEDS and any(b.language != "text" for b in blocks_of(page))]


def test_every_block_names_its_language() -> None:
    wrong = [str(block) for block in BLOCKS if block.language not in LANGUAGES and not block.language.startswith("{")]
    assert len(BLOCKS) > 80
    assert wrong == []


def test_every_block_that_is_not_run_says_why() -> None:
    marked = [block for block in BLOCKS if block.reason]
    assert all(len(block.reason) > 10 for block in marked)
    assert len(marked) < len([block for block in BLOCKS if block.language in ("python", "bash")]) / 3


def test_examples_that_a_page_shows_whole_are_those_of_the_folder() -> None:
    shown = [
        (page, name) for page in PAGES for name in re.findall(r"whole of\s\[`examples/(\w+\.py)`", page.read_text())
    ]
    assert len(shown) >= 6
    for page, name in shown:
        example = (ROOT / "examples" / name).read_text()
        assert len(example.splitlines()) <= 60
        assert f"```python\n{example}```" in page.read_text(), f"{page.name} does not show {name} as it is"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_and_names_of_a_page_exist(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "python":
            compile(block.text, str(block), "exec")
        elif block.language == "bash":
            for words in block.commands():
                check_command(block, words)


def check_command(block: Block, words: list[str]) -> None:
    """Fail where a line of a shell block names something that is not there."""
    program, *rest = words
    if program == "groundling":
        assert rest[0] in COMMANDS, f"{block}: no command {rest[0]}"
        if not re.search(r"--resume|--(preset|algorithm|agent\.vision)[ =]\S+ --help", " ".join(rest)):
            parse(rest[0], [word for word in rest[1:] if word != OPTION])
    elif program == "pip" or program.endswith("/pip"):
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        named = [extra for word in words for found in re.findall(r"\[(.*)\]", word) for extra in found.split(",")]
        assert set(named) <= set(extras), f"{block}: no extra of {named}"
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(rest) <= set(targets), f"{block}: no target of {rest}"
    elif program == "python":
        assert rest[0] == "-m" or (ROOT / rest[0]).is_file(), f"{block}: no file {rest[0]}"
    else:
        is_known = program in ("git", "cd") or (ROOT / program).exists()
        assert is_known or block.reason or name_of(block.page) in NEEDS, f"{block}: what is {program}?"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("examples", "benchmarks", "docs"):
        os.symlink(ROOT / folder, tmp_path / folder)
    module = types.ModuleType("page")  # dataclasses look for the module of a class
    monkeypatch.setitem(sys.modules, "page", module)
    unnamed = 0
    for arguments in before(page):
        run(arguments, name_of(page))
    for block in blocks_of(page):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        elif block.reason:
            continue
        elif block.language == "python":
            exec(compile(block.text, str(block), "exec"), vars(module))
        elif block.language == "bash":
            for program, *arguments in block.commands():
                if program == "groundling" and arguments[0] not in NOT_RUN and "--help" not in arguments:
                    unnamed += arguments[0] == "train" and "--run-folder" not in arguments
                    run(arguments, str(block), unnamed)


def run(arguments: list[str], place: str, number: int = 1) -> None:
    small = made_small(arguments, number)
    assert main(small) == 0, f"{place}: groundling {' '.join(small)}"
