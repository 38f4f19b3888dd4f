"""Templates: one a kind, color, state and size of thing, with the names and files of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from groundling.envs.engine.constants import CLOSED, DOOR, OPEN, look_parts
from groundling.envs.engine.kinds import Kinds
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.export.mesh import Mesh
from groundling.envs.families.habitat.export.solid_meshes import cached_template
from groundling.envs.families.habitat.houses import OPENING_NAMES, House, HouseThing
from groundling.errors import ConfigurationError


@dataclass(frozen=True, order=True)
class Template:
    """What things of a kind, color, state and size look like.

    Attributes:
        name: of its files.
        kind: type code of the engine.
        color: color code.
        state: state code.
        size: of ``layout.SIZES``.
    """

    name: str
    kind: int
    color: int
    state: int
    size: str

    def meshes(self, kinds: Kinds) -> tuple[Mesh, ...]:
        """Its meshes.

        Raises:
            ConfigurationError: if the kinds lack its type or color.
        """
        kinds.check(self.kind, self.color)
        meshes = cached_template(
            self.kind, kinds.solids[self.kind], self.state, kinds.rgb[self.color], self.size == layout.HELD
        )
        if self.size != layout.CARRIED:
            return meshes
        return tuple(replace(mesh, points=mesh.points * layout.CARRIED_SCALE) for mesh in meshes)


def template_of(thing: HouseThing) -> Template:
    """The template of a thing as it stands."""
    return _template(thing, thing.state, thing.look[2], layout.ON_FLOOR if thing.on is None else layout.HELD)


def carried_template_of(thing: HouseThing) -> Template:
    """The template of a thing that somebody carries."""
    return _template(thing, thing.state, thing.look[2], layout.CARRIED)


def _template(thing: HouseThing, state_name: str, state: int, size: str = layout.ON_FLOOR) -> Template:
    kind, color, _ = look_parts(thing.look[0] | thing.look[1] << 8)
    name = layout.thing_template(thing.color, thing.kind, state_name, size)
    return Template(name, kind, color, state, size)


def templates_of(house: House) -> Iterator[Template]:
    """The templates of all that is in a house, and of what its things may become: open, closed, carried, on others."""
    has_holders = any(thing.holds for thing in house.things)
    for thing in house.things:
        yield _template(thing, thing.state, thing.look[2])
        if thing.is_portable:
            yield carried_template_of(thing)
        if thing.is_portable and has_holders:
            yield _template(thing, thing.state, thing.look[2], layout.HELD)
        if thing.look[0] == DOOR or thing.holds == "inside":
            for state in (OPEN, CLOSED):
                yield _template(thing, OPENING_NAMES[state], state)


def numbered(templates: Iterable[Template]) -> dict[Template, int]:
    """Templates in the order of their names, with the semantic id of each."""
    found = sorted(set(templates))
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigurationError(f"two things that look different would both be the template {twice}: rename a kind")
    return {template: layout.FIRST_TEMPLATE_ID + place for place, template in enumerate(found)}
