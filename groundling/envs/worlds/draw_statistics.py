"""Whether what a task draws is even and independent, by chi-square tests over what was drawn for many episodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from scipy.special import chdtrc  # type: ignore[import-untyped]  # the chi-square distribution's upper tail

from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import DOOR, NOWHERE, PORTABLE_BIT, Verb, look_parts
from groundling.envs.engine.kinds import kinds_of
from groundling.language.goal_parts import descriptions
from groundling.language.goals import ObjectType
from groundling.language.grammar import parse
from groundling.language.lexicon import Lexicon

LEAST_COUNT = 5.0  # expected in a cell, for the chi-square test to hold
SIDE = 4  # parts of a room's side, when places are compared with something else


def evenness(values: Sequence[Hashable], options: int) -> float:
    """The probability of counts as uneven as these if each of so many options were equally likely (chi-square)."""
    if options < 2 or len(values) < LEAST_COUNT * options:
        return 1.0
    expected = len(values) / options
    counts = Counter(values)
    if len(counts) > options:
        return 0.0
    squares = sum((count - expected) ** 2 for count in counts.values()) + (options - len(counts)) * expected**2
    return float(chdtrc(options - 1, squares / expected))


def independence(pairs: Iterable[tuple[Hashable, Hashable]]) -> float:
    """The probability of a table as uneven as this if both draws were independent (chi-square)."""
    table = Counter(pairs)
    total = sum(table.values())
    rows: Counter[Hashable] = Counter()
    columns: Counter[Hashable] = Counter()
    for (row, column), count in table.items():
        rows[row] += count
        columns[column] += count
    statistic, freedom = 0.0, (len(rows) - 1) * (len(columns) - 1)
    if freedom < 1 or total < LEAST_COUNT * len(rows) * len(columns):
        return 1.0
    for row, in_row in rows.items():
        for column, in_column in columns.items():
            expected = in_row * in_column / total
            statistic += (table[row, column] - expected) ** 2 / expected
    return float(chdtrc(freedom, statistic))


@dataclass(frozen=True)
class Drawn:
    """What was drawn for one episode."""

    agent: tuple[int, int]
    direction: int
    thing: tuple[str, str, tuple[int, int]] | None  # a portable object on the map, whichever
    named_type: str | None
    named_color: str | None
    meant: tuple[int, int] | None  # the tile of the only object that is meant
    has_doors: bool


def read_draws(episode: Episode, seed: int, room_size: int, lexicon: Lexicon) -> Drawn:
    """What was drawn for an episode; the seed chooses which portable object is looked at."""
    width = episode.cells.shape[1]
    pitch = room_size - 1

    def tile(position: int) -> tuple[int, int]:
        return position % width % pitch, position // width % pitch

    goal = episode.goal or parse(episode.instruction, lexicon)
    named = [d for d in descriptions(goal) if not d.negated][:1]
    types, colors = kinds_of(lexicon).type_names, kinds_of(lexicon).color_names
    codes = [look_parts(look)[0] for look in episode.looks]
    portable = [
        k for k, look in enumerate(episode.looks) if look >> PORTABLE_BIT & 1 and episode.positions[k] != NOWHERE
    ]
    thing = None
    if portable:
        k = portable[seed * 7919 % len(portable)]
        kind, color, _ = look_parts(episode.looks[k])
        thing = (types[kind], colors[color], tile(episode.positions[k]))
    verb, _, mask, _ = episode.program[0]
    is_alone = verb <= Verb.PUT_NEAR and mask.bit_count() == 1
    first = mask.bit_length() - 1
    return Drawn(
        agent=(episode.pose[0] % pitch, episode.pose[1] % pitch),
        direction=episode.pose[2],
        thing=thing,
        named_type=named[0].type if named and named[0].type is not ObjectType.DOOR else None,
        named_color=named[0].color if named else None,
        meant=tile(episode.positions[first]) if is_alone and codes[first] != DOOR else None,
        has_doors=DOOR in codes,
    )


def even_draws(draws: list[Drawn], room_size: int) -> Iterator[tuple[str, list[Hashable], int]]:
    """Name, values and number of options of what is to be drawn evenly."""
    tiles = (room_size - 2) ** 2
    things = [drawn.thing for drawn in draws if drawn.thing is not None]
    yield "agent direction", [drawn.direction for drawn in draws], 4
    if not any(drawn.has_doors for drawn in draws):
        yield "agent tile", [drawn.agent for drawn in draws], tiles
        yield "object tile", [thing[2] for thing in things], tiles
    for name, values in (
        ("object type", [thing[0] for thing in things]),
        ("object color", [thing[1] for thing in things]),
        ("named type", [drawn.named_type for drawn in draws if drawn.named_type is not None]),
        ("named color", [drawn.named_color for drawn in draws if drawn.named_color is not None]),
    ):
        yield name, list(values), len(set(values))


def independent_draws(draws: list[Drawn], room_size: int) -> Iterator[tuple[str, list[tuple[Hashable, Hashable]]]]:
    """Name and values of what is to be drawn independently; without those who were not drawn."""

    def coarse(tile: tuple[int, int] | None) -> tuple[int, ...] | None:
        return None if tile is None else tuple((along - 1) * SIDE // (room_size - 2) for along in tile)

    columns: dict[str, list[Hashable]] = {
        "agent tile": [coarse(drawn.agent) for drawn in draws],
        "agent direction": [drawn.direction for drawn in draws],
        "object tile": [None if drawn.thing is None else coarse(drawn.thing[2]) for drawn in draws],
        "object type": [None if drawn.thing is None else drawn.thing[0] for drawn in draws],
        "object color": [None if drawn.thing is None else drawn.thing[1] for drawn in draws],
        "named type": [drawn.named_type for drawn in draws],
        "named color": [drawn.named_color for drawn in draws],
        "meant tile": [coarse(drawn.meant) for drawn in draws],
    }
    for first, second in (
        ("agent tile", "named type"),
        ("agent tile", "named color"),
        ("agent tile", "object type"),
        ("agent tile", "object color"),
        ("agent direction", "named type"),
        ("agent direction", "named color"),
        ("object tile", "object type"),
        ("object tile", "object color"),
        ("object type", "object color"),
        ("meant tile", "named type"),
        ("meant tile", "named color"),
        ("named type", "named color"),
    ):
        pairs = zip(columns[first], columns[second], strict=True)
        yield f"{first} and {second}", [pair for pair in pairs if None not in pair]
