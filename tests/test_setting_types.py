"""Settings: what means the same is taken, everything else is refused by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from groundling.errors import ConfigurationError
from groundling.setting_types import MAY_BE_INFINITE, check_settings, count_of, whole_number


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5


@dataclass(frozen=True)
class Settings:
    count: int = 1
    rate: float = 0.5
    limit: float = field(default=1.0, metadata=MAY_BE_INFINITE)
    name: str = ""
    is_on: bool = False
    every: int | None = None
    kind: Literal["a", "b"] = "a"
    names: tuple[str, ...] = ()
    pair: tuple[int, int] = (1, 2)
    inner: Inner = field(default_factory=Inner)
    parts: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        *(("count", np.int64(3), 3), ("count", 1e6, 1_000_000), ("count", np.float32(4), 4)),
        *(("rate", np.float32(0.5), 0.5), ("rate", 1, 1), ("rate", np.int8(1), 1)),
        *(("name", Path("runs/a"), "runs/a"), ("name", np.str_("x"), "x")),
        *(("is_on", np.True_, True), ("every", None, None), ("every", np.uint8(3), 3)),
        *(("names", ["a", "b"], ("a", "b")), ("names", np.array(["a"]), ("a",)), ("pair", [np.int64(1), 2.0], (1, 2))),
        ("limit", math.inf, math.inf),
    ],
)
def test_what_means_the_same_becomes_the_type_that_is_said(name: str, given: Any, expected: Any) -> None:
    value = getattr(Settings(**{name: given}), name)
    assert value == expected
    assert type(value) is type(expected)
    if isinstance(value, tuple):
        assert [type(part) for part in value] == [type(part) for part in expected]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        *(("count", value, "a whole number") for value in (True, "3", 2.5, math.nan, math.inf, None)),
        *(("rate", value, "a number") for value in ("0.5", True, None)),
        *(("rate", value, "a finite number") for value in (math.nan, -math.inf, np.float32("inf"))),
        *(("limit", math.nan, "a finite number"), ("every", "x", "a whole number")),
        *(("name", 3, "text"), ("name", b"x", "text"), ("is_on", 1, "True or False"), ("is_on", "no", "True or False")),
        *(("names", "abc", "a tuple"), ("names", ("a", 3), "text"), ("names", 3, "a tuple")),
        *(("names", np.array("a"), "a tuple"), ("names", np.array([["a"]]), "a tuple")),
        ("parts", (Inner(math.nan),), "a finite number"),
    ],
)
def test_everything_else_is_refused_by_name(name: str, given: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{'rate' if name == 'parts' else name} is {told}, not "):
        Settings(**{name: given})


def test_same_value_is_left_as_it_is() -> None:
    names = ("a", "b")
    assert Settings(names=names).names is names


def test_long_values_are_told_shortly() -> None:
    with pytest.raises(ConfigurationError) as info:
        Settings(count="x" * 1000)  # type: ignore[arg-type]
    assert len(str(info.value)) < 120


def test_class_whose_types_cannot_be_told_is_left_alone() -> None:
    @dataclass
    class Foreign:
        count: NotImported = 1  # type: ignore[name-defined]  # noqa: F821

    check_settings(Foreign("x"))


@pytest.mark.parametrize("value", [0, -1, 2**31, 10**30, "3", 2.5, None, True])
def test_count_is_at_least_one_and_no_more_than_there_can_be(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^num_envs (must be at least 1|is a whole number)"):
        count_of("num_envs", value)


def test_counts_and_whole_numbers_are_integers() -> None:
    assert [type(count_of("n", value)) for value in (3, np.uint64(3), 3.0)] == [int] * 3
    assert whole_number("n", 10**400) == 10**400
