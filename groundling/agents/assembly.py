"""Which observation encoder reads which field: by name where the configuration says so, else by the field's kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundling.agents.config import AgentConfig
from groundling.agents.encoders import ENCODERS
from groundling.agents.encoders.base import ObservationEncoder, TextEncoder, manual_read_with_instruction
from groundling.errors import ConfigurationError
from groundling.interfaces import RGB, TOKENS, Field, Spec

Assigned = tuple[type[ObservationEncoder[Any]], tuple[str, ...]]


def assigned_fields(config: AgentConfig, spec: Spec) -> list[Assigned]:
    """The encoders of an agent with the keys that each reads, that of the image first.

    The vision chooses first, then the encoders that are named; what is left goes to the first encoder of its kind. The
    instruction is read by all, and a manual with it where the vision has a fusion (``config.reads_manual``).

    Raises:
        ConfigurationError: if the vision finds nothing to read, or a key is left that nobody reads; the message names
            the keys.
    """
    left = {key: part for key, part in spec.observation.items() if part.kind != TOKENS and key not in config.ignores}
    unknown = [key for key in config.ignores if key not in spec.observation]
    if unknown:
        raise ConfigurationError(
            f"the agent is to ignore {', '.join(unknown)}, the environments give {', '.join(spec.observation)}"
        )
    found: list[Assigned] = []
    for name in (config.vision, *config.encoders):
        kind = ENCODERS.find(name)
        keys = kind.claim(left, config)
        if not keys:
            raise ConfigurationError(_nothing_to_read(name, kind, left))
        found.append((kind, keys))
        left = _without(left, keys)
        manual = manual_read_with_instruction(config, left)
        if len(found) == 1 and issubclass(kind, TextEncoder) and manual is not None:
            left = _without(left, (manual,))
    while left:
        kind, keys = _default_encoder(left, config)
        found.append((kind, keys))
        left = _without(left, keys)
    return found


def _default_encoder(left: Mapping[str, Field], config: AgentConfig) -> Assigned:
    """The first encoder whose kind one of the fields is, with the fields that it takes."""
    for name in ENCODERS.names():
        kind = ENCODERS.find(name)
        keys = kind.claim(left, config) if any(part.kind in kind.kinds for part in left.values()) else ()
        if keys:
            return kind, keys
    told = ", ".join(f"{key} ({part.kind})" for key, part in left.items())
    raise ConfigurationError(
        f"no observation encoder reads {told}: name one that does (--agent.encoders my_file.py:MyEncoder), or leave "
        f"{'it' if len(left) == 1 else 'them'} out (--agent.ignores {' '.join(left)})"
    )


def _without(fields: Mapping[str, Field], keys: tuple[str, ...]) -> dict[str, Field]:
    return {key: part for key, part in fields.items() if key not in keys}


def _nothing_to_read(name: str, kind: type[ObservationEncoder[Any]], left: Mapping[str, Field]) -> str:
    told = ", ".join(f"{key} ({part.kind} {'x'.join(map(str, part.shape))})" for key, part in left.items())
    message = f"vision {name!r} reads {', '.join(kind.kinds)}, these environments give {told or 'nothing of the kind'}"
    if any(part.kind == RGB for part in left.values()):
        return message + ": choose the agent's vision 'cnn' (--preset pixels trains with it)"
    kinds = {part.kind for part in left.values()}
    fitting = [other for other in ENCODERS.names() if kinds & set(ENCODERS.find(other).kinds)]
    names = f" (--agent.vision {' or '.join(fitting)})" if fitting else ""
    return f"{message}: choose a vision that reads one of them{names}"
