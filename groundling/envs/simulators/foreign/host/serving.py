"""The environments that are held, the arrays that they are written to, and the answers to messages."""

from __future__ import annotations

import os
import socket
import struct
import sys
import traceback
from typing import Any

import numpy as np

from .choosing import MOST_RESETS, following_seed, is_chosen, told_choice
from .making import make_rows
from .rules import Rule, decide
from .spaces import describe, flat, part_of, text_bytes
from .wire import read, read_message, send_message


class Host:
    """Environments that are stepped one after the other, and the arrays that they are written to.

    Args:
        maker: see the package. Its ``choose`` is a ``key`` of texts and phrases: episodes are begun anew until their
            first text holds one of those ``with``, if there are any, and none of those ``without``.
        count: how many.
        rules: texts of rules by what they decide: "success", "terminated", "truncated".

    Raises:
        TypeError: see ``making.make_rows``.
        ValueError: if a rule cannot be read, or looks into an environment that nobody can look into.
    """

    def __init__(self, maker: dict[str, Any], count: int, rules: dict[str, str]) -> None:
        self.rows = make_rows(maker, count)
        self.count = self.rows.count
        self.reseeds = maker.get("reseeds", True)
        self.choose = maker.get("choose")
        self.rules = {name: Rule(text) for name, text in rules.items()}
        for rule in self.rules.values():
            if rule.name.startswith("env.") and self.rows.env(0) is None:
                raise ValueError(f"{rule.name} of a rule cannot be looked up: a vector environment hides its own")
        self.returns = [0.0] * self.count
        self.lengths = [0] * self.count
        self.arrays: dict[str, Any] = {}
        self.sources: list[tuple[str, str, int]] = []
        self.is_dict = describe(self.rows.observation_space)["kind"] == "dict"

    def describe(self) -> dict[str, Any]:
        """What agents see and do here."""
        rows = self.rows
        inner = getattr(rows.first, "unwrapped", rows.first)
        one = inner if rows.env(0) is None else getattr(rows.env(0), "unwrapped", rows.env(0))
        names = getattr(one, "action_names", None) or getattr(one, "action_meanings", None)
        if names is None and hasattr(one, "get_action_meanings"):
            names = one.get_action_meanings()
        if names is None and hasattr(one, "actions"):
            names = [getattr(action, "name", str(action)) for action in one.actions]
            names = names[: getattr(rows.action_space, "n", None)]  # an enumeration may go on behind those of a level
        metadata = getattr(rows.first, "metadata", None) or {}
        return {
            "observation": flat(describe(rows.observation_space)),
            "action": describe(rows.action_space),
            "action_names": None if names is None else [str(name).lower() for name in names],
            "render_modes": [str(mode) for mode in metadata.get("render_modes", ())],
            "class": f"{type(inner).__module__}.{type(inner).__qualname__}",
            "bases": [base.__module__ + "." + base.__qualname__ for base in type(inner).__mro__],
            "count": self.count,
            "group": rows.group,
            "is_batch": rows.is_batch,
            "can_choose": rows.can_choose,
        }

    def map(self, file: str, layout: dict[str, Any], first: int) -> None:
        """Write from now on to the rows from ``first`` of the arrays of a file."""
        memory = np.memmap(file, dtype=np.uint8, mode="r+")
        stop = first + self.count
        for name, (offset, shape, dtype) in layout["arrays"].items():
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self.arrays[name] = memory[offset : offset + size].view(dtype).reshape(shape)[first:stop]
        self.sources = list(layout["sources"])

    def reset(self, rows: list[int], is_first: bool = True) -> None:
        """Begin the episodes of ``next_seed``; without ``reseeds`` later ones follow from the first.

        Raises:
            LookupError: if none of many episodes is of those that are wanted.
        """
        seeds: dict[int, Any] = {
            row: int(self.arrays["next_seed"][row]) if is_first or self.reseeds else None for row in rows
        }
        for row in rows:
            self.returns[row], self.lengths[row] = 0.0, 0
        todo = list(rows)
        for _ in range(MOST_RESETS):
            refused = []
            begun = self.rows.reset(todo, [seeds[row] for row in todo])
            for row, (observation, info) in zip(todo, begun):  # noqa: B905 - Python 3.7
                if self.is_wanted(observation, info):
                    self.write("now", row, observation, info)
                else:
                    seeds[row] = following_seed(seeds[row])
                    refused.append(row)
            todo = refused
            if not todo:
                return
        raise LookupError(f"none of {MOST_RESETS} episodes has {told_choice(self.choose)}")

    def is_wanted(self, observation: Any, info: dict[str, Any]) -> bool:
        """Whether an episode that begins so is one of those that are asked for."""
        if self.choose is None:
            return True
        text = text_bytes(self.value(self.choose["key"], observation, info)).decode("utf-8", "replace")
        return is_chosen(text, self.choose)

    def step(self) -> None:
        """Act in every environment; where an episode ends the next one begins."""
        ended = []
        for row, result in enumerate(self.rows.step(self.arrays["action"])):
            observation, reward, terminated, truncated, info = result
            self.returns[row] += float(reward)
            self.lengths[row] += 1
            told = {
                "reward": float(reward),
                "return": self.returns[row],
                "length": self.lengths[row],
                "terminated": bool(terminated),
                "truncated": bool(truncated),
            }
            self.end(row, told, info)
            if told["terminated"] or told["truncated"]:
                self.write("final", row, observation, info)
                ended.append(row)
            else:
                self.write("now", row, observation, info)
        if ended:
            self.reset(ended, is_first=False)

    def end(self, row: int, told: dict[str, Any], info: dict[str, Any]) -> None:
        """Decide by the rules how the step ends, and write it."""
        success = decide(self.rules, told, info, self.rows.env(row))
        arrays = self.arrays
        arrays["reward"][row], arrays["success"][row] = told["reward"], success
        arrays["terminated"][row], arrays["truncated"][row] = told["terminated"], told["truncated"]

    def value(self, key: str, observation: Any, info: dict[str, Any]) -> Any:
        """What stands under a key of the observation, or of the info (``info.KEY``)."""
        return info.get(key[5:], "") if key.startswith("info.") else part_of(observation, key, self.is_dict)

    def write(self, when: str, row: int, observation: Any, info: dict[str, Any]) -> None:
        """Write an observation; texts as UTF-8 behind their length."""
        for key, kind, size in self.sources:
            array = self.arrays[when + ":" + key]
            value = self.value(key, observation, info)
            if kind == "text":
                raw = text_bytes(value)[:size]
                array[row, :4] = np.frombuffer(struct.pack("<I", len(raw)), dtype=np.uint8)
                array[row, 4 : 4 + len(raw)] = np.frombuffer(raw, dtype=np.uint8)
            else:
                array[row] = value

    def render(self, row: int) -> Any:
        """A picture [H, W, 3] uint8 of an environment, or a text that shows it."""
        picture = self.rows.render(row)
        if isinstance(picture, str) or hasattr(picture, "getvalue"):
            return picture if isinstance(picture, str) else picture.getvalue()
        return None if picture is None else np.ascontiguousarray(picture, dtype=np.uint8)

    def close(self) -> None:
        """End the environments."""
        self.rows.close()


def error_text(error: BaseException) -> str:
    """What happened and where, in one line."""
    own = os.path.dirname(os.path.abspath(__file__))  # where this program is no matter
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.dirname(frame.filename) != own]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def serve(connection: socket.socket) -> None:
    """Answer until "close", or until the other side is gone."""
    host: Host | None = None
    while True:
        try:
            kind = read(connection, 1)
            message: Any = () if kind == b"s" else read_message(connection)
        except (EOFError, OSError):
            return
        try:
            if kind == b"s":
                assert host is not None
                host.step()
                connection.sendall(b"k")
                continue
            command, arguments = message[0], message[1:]
            answer: Any = None
            if command == "make":
                maker, count, rules, path = arguments
                sys.path[:] = list(dict.fromkeys([*sys.path, *path]))
                host = Host(maker, count, rules)
                answer = host.describe()
            elif command == "map":
                assert host is not None
                host.map(*arguments)
            elif command == "reset":
                assert host is not None
                host.reset(arguments[0])
            elif command == "render":
                assert host is not None
                answer = host.render(arguments[0])
            elif host is not None:
                host.close()
            send_message(connection, ("ok", answer))
            if command == "close":
                return
        except Exception as error:
            send_message(connection, ("error", error_text(error)))
