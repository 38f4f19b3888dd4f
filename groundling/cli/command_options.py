"""The options of every command, as shell completion needs them: read off the dataclasses that tyro reads."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import docstring_parser
import tyro

from groundling.cli import module_of
from groundling.trust import OPTION


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: as it is typed, ``"--ppo.gamma"``.
        sentence: what it is, up to the first full stop or colon.
        choices: the values that it takes, where these are few.
        is_flag: it takes no value.
        takes_several: it takes several values.
    """

    name: str
    sentence: str = ""
    choices: tuple[str, ...] = ()
    is_flag: bool = False
    takes_several: bool = False


@dataclass(frozen=True)
class OneOf:
    """Stands in the ``Annotated`` of a text that the command itself checks, where a ``Literal`` would do less.

    Attributes:
        choices: the values that it takes, in their order.
    """

    choices: tuple[str, ...]


def options_of_command(name: str) -> dict[str, Option]:
    """The options of a command by name; where parts that are named bring settings, those of all built-in parts.

    A module whose options depend on what is named tells with ``variants()`` which arguments bring all of them.
    """
    module: Any = module_of(name)
    found: dict[str, Option] = {}
    for arguments in module.variants() if hasattr(module, "variants") else ([],):
        kind = module.command(arguments)[0] if hasattr(module, "command") else module.Command
        found |= {option.name: option for option in _options(kind, "")}
    for option in (Option("--help", "show the options and their defaults", is_flag=True), _TRUST):
        found[option.name] = option
    return found


def positional_of_command(name: str) -> tuple[str, ...]:
    """The values that a command takes without an option, where these are few."""
    hints = get_type_hints(module_of(name).Command, include_extras=True)
    places = [hint for hint in hints.values() if _is_positional(hint)]
    return tuple(dict.fromkeys(choice for hint in places for choice in _choices(hint)))


_TRUST = Option(OPTION, "also run code that a run or file names", is_flag=True)


def _options(kind: type[Any], before: str) -> Iterator[Option]:
    hints = get_type_hints(kind, include_extras=True)
    told = {param.arg_name: param.description or "" for param in docstring_parser.parse(kind.__doc__ or "").params}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if _is_positional(hint) or not field.init:
            continue
        settings = [part for part in _metadata(hint) if hasattr(part, "help")]
        own_name = next((part.name for part in settings if part.name is not None), field.name.replace("_", "-"))
        sentence = next((part.help for part in settings if part.help), told.get(field.name, ""))
        plain = _without_metadata(hint)
        if dataclasses.is_dataclass(plain) and isinstance(plain, type):
            yield from _options(plain, f"{before}{own_name}." if own_name else before)
            continue
        name = f"--{before}{own_name}".rstrip(".")
        short = " ".join(sentence.split()).partition(". ")[0].rstrip(".")
        if plain is bool:
            yield Option(name, short, is_flag=True)
            yield Option(f"--{before}no-{own_name}", f"not: {short}", is_flag=True)
        else:
            is_tuple = any(get_origin(part) is tuple for part in _alternatives(plain))
            yield Option(name, short, _choices(hint), takes_several=is_tuple)


def _metadata(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _is_positional(hint: Any) -> bool:
    return _metadata(tyro.conf.Positional[int])[0] in _metadata(hint)


def _without_metadata(hint: Any) -> Any:
    return _without_metadata(get_args(hint)[0]) if get_origin(hint) is Annotated else hint


def _alternatives(hint: Any) -> tuple[Any, ...]:
    plain = _without_metadata(hint)
    return get_args(plain) if get_origin(plain) in (Union, types.UnionType) else (plain,)


def _choices(hint: Any) -> tuple[str, ...]:
    """The values of a ``Literal``, also one that may be None, or of which there are several; and of :class:`OneOf`."""
    found = [choice for part in _metadata(hint) if isinstance(part, OneOf) for choice in part.choices]
    for part in _alternatives(hint):
        if get_origin(part) is Literal:
            found += map(str, get_args(part))
        elif get_origin(part) is tuple:
            found += [choice for inner in get_args(part) if inner is not Ellipsis for choice in _choices(inner)]
    return tuple(found)
