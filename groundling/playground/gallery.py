"""The gallery: what there is to try at once, with a picture and sentences of each; and the list of all other tasks."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from groundling.envs.catalog import find_family, known_ids
from groundling.errors import ExtensionError, GroundlingError
from groundling.playground.cast import ASSETS, NOBODY, SHIPPED, Cast
from groundling.playground.pictures import png_of
from groundling.playground.session import Scene, Session

GALLERY: Final = ASSETS / "gallery.json"


@dataclass(frozen=True)
class Entry:
    """One thing to try.

    Attributes:
        key: names it.
        kind: "Instruction", "First person", "Question" or "Manual".
        title: in a few words.
        about: one or two sentences.
        task: id of the environment.
        agent: name of the agent that ships for it; empty where the person and the expert drive.
        seed: of the first world.
        examples: sentences to try.
    """

    key: str
    kind: str
    title: str
    about: str
    task: str
    agent: str
    seed: int
    examples: tuple[str, ...]


class Gallery:
    """What there is to try.

    Args:
        cast: who can act.
    """

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._lock = threading.Lock()
        self._pictures: dict[str, bytes] = {}
        self.entries = {entry.key: entry for entry in read_entries()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values of all entries."""
        return {"entries": [asdict(entry) for entry in self.entries.values()]}

    def picture(self, key: str) -> bytes:
        """The picture of an entry, a PNG: its first world, in first person as far as the agent sees that.

        Raises:
            KeyError: if there is no such entry.
            GroundlingError: if the world cannot be made.
        """
        entry = self.entries[key]
        with self._lock:
            if key not in self._pictures:
                session = Session(self._cast, Scene(entry.task, entry.seed))
                try:
                    seen = session.world.inside() if entry.kind == "First person" else session.world.above()
                finally:
                    session.close()
                if seen is None:
                    raise ExtensionError(f"{entry.task} has no picture")
                self._pictures[key] = png_of(seen)
            return self._pictures[key]

    def tasks(self) -> list[str]:
        """All tasks that can be opened by their ids."""
        return known_ids()


def read_entries() -> list[Entry]:
    """The entries of the package, without agents that do not ship and tasks that are not installed.

    Raises:
        ExtensionError: if the file is damaged.
    """
    try:
        told = json.loads(GALLERY.read_text(encoding="utf-8"))["entries"]
        entries = [Entry(**{**one, "examples": tuple(one["examples"])}) for one in told]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExtensionError(f"{GALLERY} is damaged ({error}): install groundling again") from error
    found = []
    for entry in entries:
        try:
            find_family(entry.task)
        except GroundlingError:
            continue
        ships = bool(entry.agent) and (ASSETS / f"{entry.agent}.pt").is_file()
        found.append(replace(entry, agent=SHIPPED + entry.agent if ships else NOBODY))
    return found
