"""``groundling list``: everything that a name can stand for, each with a sentence, as text and as JSON."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from typing import Any, get_args

import pytest

from groundling.agents.encoders import ENCODERS
from groundling.cli import main
from groundling.cli.listing import OPTIONS, REGISTRIES, Kind
from groundling.envs.catalog import find_family, known_ids
from groundling.registry import Registry, sentence_of
from groundling.training.algorithms import ALGORITHMS
from groundling.training.presets import PRESETS
from groundling.training.rewards import REWARDS


@pytest.fixture(scope="module")
def everything() -> dict[str, dict[str, str]]:
    """What the command prints as JSON."""
    with redirect_stdout(io.StringIO()) as printed:
        assert main(["list", "--json"]) == 0
    return json.loads(printed.getvalue())


def test_every_name_of_every_kind_is_listed_with_a_sentence(everything: dict[str, dict[str, str]]) -> None:
    assert tuple(everything) == tuple(OPTIONS) == get_args(Kind)
    assert tuple(everything["algorithms"]) == ALGORITHMS.names()
    assert tuple(everything["rewards"]) == REWARDS.names()
    assert tuple(everything["encoders"]) == ENCODERS.names()
    assert tuple(everything["presets"]) == tuple(PRESETS)
    assert list(everything["tasks"]) == known_ids()
    assert {name for id in known_ids() for name in find_family(id).suites} == set(everything["suites"])
    for kind, entries in everything.items():
        for name, sentence in entries.items():
            assert len(sentence.split()) >= 3, f"{kind} {name}: {sentence!r}"
            is_plain = not re.search(r"``|:class:|\. [A-Z]", sentence)
            assert is_plain or kind == "tasks", f"{kind} {name}: {sentence!r}"


def test_text_has_one_line_a_name_and_what_it_is_given_to(
    everything: dict[str, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "rewards"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "rewards (groundling train --reward)"
    told = dict(re.fullmatch(r"  (\S+) +(.+)", line).groups() for line in lines[: len(REWARDS.names())])  # type: ignore[union-attr]
    assert told == everything["rewards"]


def test_what_is_listed_can_be_searched_in_names_and_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--contains", "dagger", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [(kind, name) for kind, entries in found.items() for name in entries] == [
        ("algorithms", "dagger"),
        ("presets", "mazes"),
    ]
    assert main(["list", "tasks", "--contains", "zzz"]) == 0
    assert "nothing named here has 'zzz'" in capsys.readouterr().out


def test_registries_are_those_of_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "nonsense"]) == 2
    complaint = capsys.readouterr().err
    assert all(kind in complaint for kind in REGISTRIES)
    assert complaint.endswith(f"'nonsense' to list: choose one of {', '.join(get_args(Kind))}\n")


class Inherited:
    """Reads ``image`` as :class:`Other` does. More of that below."""

    summary = "of its own"


class Heir(Inherited):
    """Reads ``image``, "and more". Much more."""


def test_sentence_is_the_own_summary_or_the_first_one_of_the_docstring() -> None:
    assert sentence_of(Inherited) == "Of its own"
    assert sentence_of(Heir) == 'Reads image, "and more"'
    registry: Registry[Any] = Registry("thing", {"heir": f"{__name__}:Heir"}, entry_points="none")
    registry.register("own", Inherited)
    assert registry.sentence("own") == "Of its own"
