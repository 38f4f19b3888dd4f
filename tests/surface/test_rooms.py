"""The house: imports run one way between its rooms, in no circle inside, and no family is known outside its folder."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "groundling"

# From the ground up: a room imports what stands before it, and its own.
ROOMS = ("language", "envs", "exact", "agents", "sb3", "training", "eval", "playground", "cli")
GROUND = ("errors", "files", "seeding", "own_code", "processes", "registry", "interfaces", "allocation")

# What only a file of the simulator itself, the line that lists it, and settings that name a task may say of a family.
FAMILIES = {
    "babyai": (
        r'families\.babyai|= ?"(BabyAI|MiniGrid)-',
        # two compare with MiniGrid itself, the others have a level as the default of an option
        (r"envs/parity\.py", r"eval/speed\.py", r"training/(config|presets)\.py", r"cli/(bench|demo|play)\.py"),
    ),
    "own": (r"families\.own", (r"envs/__init__\.py", r"envs/tasks/.*")),  # register, and the tasks that do
    "manuals": (r"families\.manuals|RTFM-|Messenger-", ()),
    "gridlu": (r"families\.gridlu|GridLU", ()),
    "chaplot": (
        r"families\.chaplot|Grounded(Room|Doom)-",
        (r"envs/simulators/doom.*", r"training/presets\.py"),
    ),
    "montezuma": (r"families\.montezuma|Montezuma-", ()),
    "habitat": (r"families\.habitat", (r"cli/export_habitat\.py",)),
    "questions": (r"families\.questions|Questions-", (r"cli/questions\.py",)),
}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_of(path): path for path in files()}


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of the package that a file imports wherever it does so, but for type checkers only."""
    tree = ast.parse(path.read_text())
    unread = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    skipped = {id(inner) for node in unread for inner in ast.walk(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules() else node.module)
    return frozenset(name for name in found if name in modules())


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_the_ground_imports_no_room_but_the_words() -> None:
    for name in GROUND:
        path = PACKAGE / f"{name}.py"
        if path.exists():
            above = {room_of(found) for found in imports(path)} & set(ROOMS)
            assert above <= {"language"}, f"{name} imports {above}"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_between_rooms_run_one_way(room: str) -> None:
    above = ROOMS[ROOMS.index(room) + 1 :]
    found = [
        f"{module} imports {other}"
        for module, path in modules().items()
        if room_of(module) == room
        for other in sorted(imports(path))
        if room_of(other) in above
    ]
    assert not found


def test_no_import_runs_in_a_circle() -> None:
    """A package's face (``__init__``) only hands names on, so it is left out: its files do not import from it."""
    graph = {
        module: {other for other in imports(path) if modules()[other].name != "__init__.py"}
        for module, path in modules().items()
        if path.name != "__init__.py"
    }
    circles = [sorted(part) for part in strong_components(graph) if len(part) > 1]
    assert not circles


def strong_components(graph: dict[str, set[str]]) -> list[set[str]]:
    """Tarjan's: the largest sets in which everything imports everything, by whatever way."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            part: set[str] = set()
            while node not in part:
                part.add(stack.pop())
            found.append(part)

    for node in graph:
        if node not in number:
            visit(node)
    return found


def test_a_circle_would_be_found() -> None:
    assert {"b", "c"} in strong_components({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})


@pytest.mark.parametrize("family", FAMILIES)
def test_no_file_outside_its_folder_names_a_family(family: str) -> None:
    pattern, excepted = FAMILIES[family]
    own = PACKAGE / "envs" / "families" / family
    found = []
    for path in files():
        place = path.relative_to(PACKAGE).as_posix()
        if own in path.parents or place == "envs/catalog.py" or any(re.fullmatch(other, place) for other in excepted):
            continue
        found += [f"{place}: {line.strip()}" for line in path.read_text().splitlines() if re.search(pattern, line)]
    assert not found
