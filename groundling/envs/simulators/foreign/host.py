"""The program that holds environments of other packages: a process of its own that ``pool`` starts, drives and ends.

It is run as a file, by any Python from 3.7 on that has numpy and the package of the environments (Gymnasium's or the
older ``gym`` interface, which Groundling itself need not be installed beside). Requests and answers are pickled plain
values behind their length; a step is a single byte, its arrays are in memory that both sides map.

    ("make", maker, count, rules, path)  -> what the spaces of the first of ``count`` environments are
    ("map", file, layout)                -> None; from now on arrays are written there
    ("reset", [index])                   -> None; the seeds are in the array ``next_seed``
    ("render", index)                    -> a picture [H, W, 3] uint8, a text, or None
    b"s"                                 -> b"k" after a step, b"e" and an error's text otherwise
    ("close",)                           -> None, and the process ends
"""

from __future__ import annotations

import importlib
import importlib.util
import operator
import os
import pickle
import re
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

WATCH_INTERVAL_S = 0.5
SUCCESS_KEYS = ("success", "is_success")
UNKNOWN = -1  # of a success that nobody tells
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
RULE = re.compile(r"\s*(?P<name>[\w.\-]+)\s*((?P<sign>==|!=|>=|<=|>|<)\s*(?P<value>.+?)\s*)?$")
RULE_NAMES = ("reward", "return", "length", "terminated", "truncated")


class Rule:
    """A condition on a step: ``NAME``, or ``NAME == VALUE`` with any comparison.

    NAME is reward, return, length (of the episode so far), terminated, truncated, ``info.KEY`` (``info.KEY.INNER``), or
    ``env.ATTRIBUTE`` of the environment without its wrappers (``env.ale.getRAM.43``: functions are called, arrays and
    lists have numbers). A name alone holds where it is true, or above 0. What is not there makes it false.

    Args:
        text: of the rule.

    Raises:
        ValueError: if it is none.
    """

    def __init__(self, text: str) -> None:
        found = RULE.match(text)
        name = found.group("name") if found else ""
        if found is None or not (name in RULE_NAMES or name.startswith(("info.", "env."))):
            raise ValueError(
                "a rule is NAME or NAME==VALUE (also != > >= < <=) with one of {}, info.KEY or env.ATTRIBUTE, "
                "not {!r}".format(", ".join(RULE_NAMES), text)
            )
        self.name = name
        self.path = name.split(".")[1:]
        self.compare = COMPARISONS[found.group("sign")] if found.group("sign") else None
        self.value = plain_value(found.group("value") or "")

    def __call__(self, told: dict[str, Any], info: dict[str, Any], env: Any = None) -> bool:
        """Whether it holds."""
        value: Any = told.get(self.name)
        if self.path:
            value = info if self.name.startswith("info.") else getattr(env, "unwrapped", env)
            for name in self.path:
                try:
                    value = inner_value(value, name)
                except (AttributeError, KeyError, IndexError):
                    return False
        if self.compare is None:
            return bool(value > 0) if isinstance(value, (int, float)) else bool(value)
        if isinstance(self.value, str):
            value = str(value)
        elif hasattr(value, "value"):  # an enumeration
            value = value.value
        return bool(self.compare(value, self.value))


def decide(rules: dict[str, Rule], told: dict[str, Any], info: dict[str, Any], env: Any = None) -> int:
    """Mend by the rules how a step ends (``told["terminated"]``, ``told["truncated"]``); whether it reached the goal,
    1 or 0, or UNKNOWN.
    """
    if (told["terminated"] or told["truncated"]) and "truncated" in rules and rules["truncated"](told, info, env):
        told["terminated"], told["truncated"] = False, True
    elif "terminated" in rules and rules["terminated"](told, info, env):
        told["terminated"], told["truncated"] = True, False
    if not (told["terminated"] or told["truncated"]):
        return UNKNOWN
    if "success" in rules:
        return int(rules["success"](told, info, env))
    key = next((key for key in SUCCESS_KEYS if key in info), None)
    return UNKNOWN if key is None else int(bool(info[key]))


def inner_value(value: Any, name: str) -> Any:
    """What stands in a mapping under this key, in an array or list at this number, or is an attribute.

    Raises:
        AttributeError, KeyError, IndexError: if there is none.
    """
    if isinstance(value, dict):
        return value[name]
    if name.isdigit():
        return value[int(name)] if hasattr(value, "__getitem__") else getattr(value, name)
    found = getattr(value, name)
    return found() if callable(found) else found


def plain_value(text: str) -> Any:
    """A number, True, False or None where a text is one, else the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"True": True, "False": False, "None": None}.get(text, text)


# What spaces are


def describe(space: Any) -> dict[str, Any]:
    """A space as plain values; what no agent can take is of the kind "other"."""
    name = type(space).__name__
    if hasattr(space, "spaces"):
        parts = space.spaces
        inner = parts.items() if hasattr(parts, "items") else ((str(i), part) for i, part in enumerate(parts))
        return {"kind": "dict", "name": name, "parts": {key: describe(part) for key, part in inner}}
    if hasattr(space, "low") and hasattr(space, "high"):
        low, high = np.min(space.low), np.max(space.high)
        return {
            "kind": "box",
            "shape": tuple(space.shape),
            "dtype": str(np.dtype(space.dtype)),
            "low": float(low),
            "high": float(high),
        }
    if hasattr(space, "nvec"):
        return {"kind": "multidiscrete", "nvec": [int(n) for n in np.ravel(space.nvec)]}
    if name == "MultiBinary":
        return {"kind": "box", "shape": tuple(space.shape), "dtype": "int8", "low": 0.0, "high": 1.0, "is_mask": True}
    if hasattr(space, "n"):
        return {"kind": "discrete", "n": int(space.n), "start": int(getattr(space, "start", 0))}
    if name in ("Text", "MissionSpace") or hasattr(space, "charset") or hasattr(space, "mission_func"):
        return {"kind": "text", "name": name}
    return {"kind": "other", "name": name}


def flat(description: dict[str, Any], key: str = "") -> dict[str, dict[str, Any]]:
    """The parts of a description by their keys, those inside others with dots between."""
    if description["kind"] != "dict":
        return {key or "observation": description}
    found: dict[str, dict[str, Any]] = {}
    for name, part in description["parts"].items():
        found.update(flat(part, f"{key}.{name}" if key else str(name)))
    return found


def part_of(observation: Any, key: str, is_dict: bool) -> Any:
    """What stands under a key of :func:`flat`."""
    if not is_dict:
        return observation
    if isinstance(observation, dict) and key in observation:
        return observation[key]
    for name in key.split("."):
        observation = observation[int(name)] if isinstance(observation, (tuple, list)) else observation[name]
    return observation


# Environments


def make_one(maker: dict[str, Any]) -> Any:
    """An environment: registered with Gymnasium (or gym), or made by a function or class at a place.

    Where there is no display, the variables ``without_display`` are set first, unless they are.
    """
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        for name, value in maker.get("without_display", {}).items():
            os.environ.setdefault(name, value)
    for module in maker.get("imports", ()):
        importlib.import_module(module)
    if maker["kind"] == "id":
        gym = gym_package()
        options = dict(maker.get("options", {}))
        if gym.__name__ == "gymnasium":
            options.setdefault("disable_env_checker", True)
        return gym.make(maker["id"], **options)
    made = find_place(maker["place"])(**maker.get("options", {}))
    if not (hasattr(made, "reset") and hasattr(made, "step")):
        raise TypeError("{} gave a {}, which is no environment".format(maker["place"], type(made).__name__))
    return made


def gym_package() -> Any:
    """Gymnasium, or else gym."""
    for name in ("gymnasium", "gym"):
        if importlib.util.find_spec(name) is not None:
            return importlib.import_module(name)
    raise ImportError(f"this Python ({sys.executable}) has neither gymnasium nor gym")


def find_place(place: str) -> Any:
    """What stands at ``"my_file.py:name"`` or ``"package.module:name"``."""
    where, _, name = place.rpartition(":")
    if not where.endswith(".py"):
        return getattr(importlib.import_module(where), name)
    path = os.path.abspath(os.path.expanduser(where))
    sys.path.append(os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("foreign_" + re.sub(r"\W", "_", os.path.basename(path)), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


class Host:
    """Environments that are stepped one after the other, and the arrays that they are written to.

    Args:
        maker: see :func:`make_one`.
        count: how many.
        rules: texts of rules by what they decide: "success", "terminated", "truncated".
    """

    def __init__(self, maker: dict[str, Any], count: int, rules: dict[str, str]) -> None:
        self.envs = [make_one(maker) for _ in range(count)]
        self.reseeds = maker.get("reseeds", True)
        self.rules = {name: Rule(text) for name, text in rules.items()}
        self.returns = [0.0] * count
        self.lengths = [0] * count
        self.arrays: dict[str, Any] = {}
        self.sources: list[tuple[str, str, int]] = []
        self.is_dict = False

    def describe(self) -> dict[str, Any]:
        """What agents see and do here."""
        env = self.envs[0]
        observation = describe(env.observation_space)
        self.is_dict = observation["kind"] == "dict"
        inner = getattr(env, "unwrapped", env)
        names = getattr(inner, "action_names", None) or getattr(inner, "action_meanings", None)
        if names is None and hasattr(inner, "get_action_meanings"):
            names = inner.get_action_meanings()
        if names is None and hasattr(inner, "actions"):
            names = [getattr(action, "name", str(action)) for action in inner.actions]
            names = names[: getattr(env.action_space, "n", None)]  # an enumeration may go on behind those of a level
        return {
            "observation": flat(observation),
            "action": describe(env.action_space),
            "action_names": None if names is None else [str(name).lower() for name in names],
            "render_modes": [str(mode) for mode in (getattr(env, "metadata", None) or {}).get("render_modes", ())],
            "class": f"{type(inner).__module__}.{type(inner).__qualname__}",
            "bases": [base.__module__ + "." + base.__qualname__ for base in type(inner).__mro__],
        }

    def map(self, file: str, layout: dict[str, Any], first: int) -> None:
        """Write from now on to the rows from ``first`` of the arrays of a file."""
        memory = np.memmap(file, dtype=np.uint8, mode="r+")
        stop = first + len(self.envs)
        for name, (offset, shape, dtype) in layout["arrays"].items():
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self.arrays[name] = memory[offset : offset + size].view(dtype).reshape(shape)[first:stop]
        self.sources = list(layout["sources"])

    def reset(self, rows: list[int], is_first: bool = True) -> None:
        """Begin the episodes of ``next_seed``; without ``reseeds`` later ones follow from the first."""
        for row in rows:
            seed = int(self.arrays["next_seed"][row]) if is_first or self.reseeds else None
            env = self.envs[row]
            self.returns[row], self.lengths[row] = 0.0, 0
            try:
                found = env.reset(seed=seed)
            except TypeError:  # the older interface
                if hasattr(env, "seed") and seed is not None:
                    env.seed(seed)
                found = env.reset()
            observation, info = found if isinstance(found, tuple) and len(found) == 2 else (found, {})
            self.write("now", row, observation, info)

    def step(self) -> None:
        """Act in every environment; where an episode ends the next one begins."""
        arrays = self.arrays
        for row, env in enumerate(self.envs):
            result = env.step(int(arrays["action"][row]))
            if len(result) == 5:
                observation, reward, terminated, truncated, info = result
            else:  # gym before 0.26: the limit's end is told in the info
                observation, reward, done, info = result
                truncated = bool(info.get("TimeLimit.truncated", False))
                terminated = bool(done) and not truncated
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
                self.reset([row], is_first=False)
            else:
                self.write("now", row, observation, info)

    def end(self, row: int, told: dict[str, Any], info: dict[str, Any]) -> None:
        """Decide by the rules how the step ends, and write it."""
        success = decide(self.rules, told, info, self.envs[row])
        arrays = self.arrays
        arrays["reward"][row], arrays["success"][row] = told["reward"], success
        arrays["terminated"][row], arrays["truncated"][row] = told["terminated"], told["truncated"]

    def write(self, when: str, row: int, observation: Any, info: dict[str, Any]) -> None:
        """Write an observation; texts as UTF-8 behind their length."""
        for key, kind, size in self.sources:
            array = self.arrays[when + ":" + key]
            value = info.get(key[5:], "") if key.startswith("info.") else part_of(observation, key, self.is_dict)
            if kind == "text":
                raw = text_bytes(value)[:size]
                array[row, :4] = np.frombuffer(struct.pack("<I", len(raw)), dtype=np.uint8)
                array[row, 4 : 4 + len(raw)] = np.frombuffer(raw, dtype=np.uint8)
            else:
                array[row] = value

    def render(self, row: int) -> Any:
        """A picture [H, W, 3] uint8 of an environment, or a text that shows it."""
        picture = self.envs[row].render()
        picture = picture[0] if isinstance(picture, list) and picture else picture
        if isinstance(picture, str) or hasattr(picture, "getvalue"):
            return picture if isinstance(picture, str) else picture.getvalue()
        return None if picture is None else np.ascontiguousarray(picture, dtype=np.uint8)

    def close(self) -> None:
        """End the environments."""
        for env in self.envs:
            if hasattr(env, "close"):
                env.close()


def text_bytes(value: Any) -> bytes:
    """A text, or several, a line each, as bytes: strings, byte strings, arrays of bytes that end in zeros."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        rows = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else value[None]
        return b"\n".join(bytes(row).split(b"\0")[0].rstrip() for row in rows)
    if isinstance(value, (list, tuple)):
        return b"\n".join(text_bytes(part) for part in value)
    return b"" if value is None else str(value).encode("utf-8")


# The socket


def read(connection: socket.socket, count: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: if the other side is gone.
    """
    parts = []
    while count:
        part = connection.recv(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def send_message(connection: socket.socket, value: Any) -> None:
    """A value behind the byte "m" and its length."""
    raw = pickle.dumps(value, protocol=4)
    connection.sendall(b"m" + struct.pack("<I", len(raw)) + raw)


def read_message(connection: socket.socket) -> Any:
    """A value, after its first byte was read."""
    (length,) = struct.unpack("<I", read(connection, 4))
    return pickle.loads(read(connection, length))


def error_text(error: BaseException) -> str:
    """What happened and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
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


def watch_parent(parent: int) -> None:
    """End this process as soon as the parent is gone, even while an environment hangs."""
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL_S)
    os._exit(1)


def main() -> None:
    """Serve; arguments are the file descriptor of the socket and the parent's process id.

    What stops the parent is the parent's: it may need the environments for a checkpoint, and ends this process itself.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: None)
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main()
