"""How observations of other packages become those of an agent: which parts it is given, and as what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.simulators.foreign.pool import Source
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, CATEGORY, DEPTH, MASK, RGB, SYMBOLS, TOKENS, VECTOR, Field

TEXT_BYTES: Final = 4096
MOST_CATEGORIES: Final = 1024
SMALL: Final = 25  # cells across, at most, of what is taken for symbols
SYMBOL_SIZES: Final = (256, 256, 256)
MASK_KEYS: Final = ("action_mask", "valid", "legal_actions")


@dataclass(frozen=True)
class Channel:
    """One field of an agent's observation, and how it is made of parts of a foreign one.

    Attributes:
        field: what the agent is given.
        sources: what it is made of: one part; of symbols perhaps three, of types, colors and states.
        low: of numbers that are scaled, what becomes 0.
        high: what becomes 255.
        is_scaled: whether they are.
        is_channel_first: whether pictures have their channels before rows and columns.
    """

    field: Field
    sources: tuple[Source, ...]
    low: float = 0.0
    high: float = 255.0
    is_scaled: bool = False
    is_channel_first: bool = False

    def of(self, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """The field [B, ...] made of its parts [B, ...]."""
        part = self.field
        if len(arrays) > 1:
            stacked = np.stack(arrays, axis=-1)
            return stacked.astype(part.dtype) if stacked.dtype != part.dtype else stacked
        array = arrays[0]
        if part.kind == RGB:
            return self._picture(array)
        if part.kind == SYMBOLS and array.ndim == 3:  # [B, H, W] of one number a cell
            return np.stack([array, np.zeros_like(array), np.zeros_like(array)], axis=-1).astype(np.uint8)
        return np.ascontiguousarray(array.reshape(len(array), *part.shape), dtype=part.dtype)

    def _picture(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        if array.ndim == 3:
            array = array[..., None]
        elif self.is_channel_first:
            array = np.moveaxis(array, 1, -1)
        if self.is_scaled:
            array = (np.clip((array - self.low) / (self.high - self.low), 0, 1) * 255).round()
        array = array.astype(np.uint8, copy=False)
        if array.shape[-1] == 1:
            array = np.repeat(array, 3, axis=-1)
        height, width = self.field.shape[:2]
        if array.shape[1:3] != (height, width):
            resized = [cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for image in array]
            array = np.stack(resized)
        return np.ascontiguousarray(array)


def channels_of(
    parts: Mapping[str, Mapping[str, Any]],
    actions: int,
    *,
    text: str,
    symbols: Sequence[str] = (),
    keep: Sequence[str] = (),
    size: tuple[int, int] | None = None,
    looks: Mapping[str, NDArray[Any]] | None = None,
) -> dict[str, Channel]:
    """The fields of an agent's observation, by key, that the parts of a foreign one make.

    Args:
        parts: descriptions of the parts, by key, see ``host.spaces.flat``.
        actions: how many there are.
        text: the key of the text that is the agent's instruction; other texts are left out.
        symbols: keys of numbers of cells: one [H, W, 3], or up to three [H, W] that are types, colors and states.
        keep: the only keys that are used, beside text and symbols; empty: all that can be.
        size: of pictures, height and width; None leaves them as they are.
        looks: the first observation, from which small pictures and symbols are told apart.

    Raises:
        ConfigurationError: if a key is not there, or nothing of the observation can be given to an agent.
    """
    for key in (*symbols, *keep):
        if key not in parts:
            raise ConfigurationError(f"the observation has no {key!r}; it has {', '.join(parts)}")
    found: dict[str, Channel] = {}
    left_out: dict[str, str] = {}
    if symbols:
        found["symbols" if len(symbols) > 1 else symbols[0]] = _symbols(parts, symbols)
    for key, part in parts.items():
        if key in symbols or key == text or (keep and key not in keep):
            continue
        channel = _channel(key, part, actions, size, None if looks is None else looks.get(key))
        if isinstance(channel, str):
            left_out[key] = channel
        else:
            found[key] = channel
    if keep and left_out:
        raise ConfigurationError("; ".join(f"{key} cannot be used: {reason}" for key, reason in left_out.items()))
    if not found:
        told = "; ".join(f"{key}: {reason}" for key, reason in left_out.items()) or "it has nothing but the text"
        raise ConfigurationError(f"nothing of this observation can be given to an agent: {told}")
    return found


def text_keys(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The keys of the parts that are texts."""
    return [key for key, part in parts.items() if part["kind"] == "text"]


def token_field(length: int, words: int) -> Field:
    """The field of an instruction of so many tokens at most."""
    return Field((length,), "int32", TOKENS, words)


def text_source(key: str) -> Source:
    """The part that is a text."""
    return Source(key, "text", size=TEXT_BYTES)


def _array(key: str, part: Mapping[str, Any]) -> Source:
    return Source(key, "array", tuple(part.get("shape", ())), str(part.get("dtype", "int64")))


def _symbols(parts: Mapping[str, Mapping[str, Any]], keys: Sequence[str]) -> Channel:
    shapes = {tuple(parts[key].get("shape", ())) for key in keys}
    (shape, *others) = shapes
    is_whole = len(keys) == 1 and len(shape) == 3 and shape[-1] == 3
    is_layered = len(shape) == 2 and len(keys) in (1, 3) and not others
    if not (is_whole or is_layered):
        raise ConfigurationError(
            f"symbols are one key [H, W, 3] or [H, W], or three [H, W] of types, colors and states; "
            f"{', '.join(keys)} have {', '.join(map(str, shapes))}"
        )
    sizes = SYMBOL_SIZES
    if len(keys) == 3:
        highest = [min(int(parts[key]["high"]), 255) + 1 for key in keys]
        sizes = (highest[0], highest[1], highest[2])
    return Channel(
        Field((*shape[:2], 3), "uint8", SYMBOLS, sizes=sizes), tuple(_array(key, parts[key]) for key in keys)
    )


def _channel(
    key: str, part: Mapping[str, Any], actions: int, size: tuple[int, int] | None, look: NDArray[Any] | None
) -> Channel | str:
    """The field of one part, or why there is none."""
    if part["kind"] == "discrete":
        if part["start"] != 0 or part["n"] > MOST_CATEGORIES:
            told = f"this one has {part['n']} from {part['start']}"
            return f"a Discrete of at most {MOST_CATEGORIES} from 0 is needed, {told}"
        return Channel(Field((), "int64", CATEGORY, part["n"]), (Source(key, "array", (), "int64"),))
    if part["kind"] == "text":
        return "it is a second text (choose another with text=KEY)"
    if part["kind"] != "box":
        return f"no agent reads a {part.get('name', part['kind'])} space: give a Box, a Discrete or a text"
    shape, source = tuple(part["shape"]), _array(key, part)
    if len(shape) == 1:
        if key.rpartition(".")[2] in MASK_KEYS and shape == (actions,):
            return Channel(Field(shape, "int8", ACTION_MASK), (source,))
        if part.get("is_mask"):
            return Channel(Field(shape, "bool", MASK), (source,))
        return Channel(Field(shape, "float32", VECTOR), (source,))
    is_float = np.issubdtype(np.dtype(str(part["dtype"])), np.floating)
    if len(shape) == 2 and is_float and part["high"] > 1:
        return Channel(Field(shape, "float32", DEPTH), (source,))
    if len(shape) == 3 and shape[-1] == 3 and max(shape[:2]) <= SMALL and look is not None and look.max() < SMALL:
        return Channel(Field(shape, "uint8", SYMBOLS), (source,))
    first = len(shape) == 3 and shape[0] in (1, 3) and shape[-1] not in (1, 3)
    height, width = shape[1:] if first else shape[:2]
    if len(shape) not in (2, 3) or (len(shape) == 3 and not first and shape[-1] not in (1, 3)):
        return f"its shape {list(shape)} is no picture: [H, W], [H, W, 1 or 3] or [1 or 3, H, W] is needed"
    if part["dtype"] != "uint8" and not np.isfinite([part["low"], part["high"]]).all():
        return f"a picture of {part['dtype']} needs finite bounds, to be scaled to 0 to 255"
    height, width = size or (height, width)
    is_scaled = part["dtype"] != "uint8" or (part["low"], part["high"]) not in ((0.0, 255.0), (0.0, 0.0))
    return Channel(
        Field((height, width, 3), "uint8", RGB),
        (source,),
        low=part["low"],
        high=part["high"],
        is_scaled=is_scaled,
        is_channel_first=first,
    )


def in_words(space: Mapping[str, Any]) -> str:
    """A space, as ``host.spaces.describe`` has it, in a few words."""
    if space["kind"] == "box":
        return f"a Box {list(space['shape'])} of {space['dtype']} from {space['low']:g} to {space['high']:g}"
    if space["kind"] == "discrete":
        return f"a Discrete of {space['n']} from {space['start']}"
    return f"a {space.get('name', space['kind'])} space"


def parse_size(text: str) -> tuple[int, int]:
    """``"84x84"`` as height and width.

    Raises:
        ConfigurationError: if it is none.
    """
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None or min(map(int, found.groups())) < 1:
        raise ConfigurationError(f"the size of pictures is HEIGHTxWIDTH, as in 84x84, not {text!r}")
    return int(found[1]), int(found[2])
