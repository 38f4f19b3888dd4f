"""``evaluation.json``: written without losing what earlier evaluations found."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from groundling.files import CHECKSUM, checksum_of, write_text

EVALUATION_NAME: Final = "evaluation.json"
VIDEO_NAME: Final = "episode.mp4"  # of the first episodes, as they were evaluated
BESIDE: Final = "evaluation-*.json"  # earlier evaluations of other agents, or with other options

# Two evaluations that agree in these measure the same agent in the same episodes.
IDENTITY: Final = ("task", "agent", "greedy", "episodes", "seed")
BY_SUITE: Final = ("suites", "measures")


def save_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Write ``evaluation.json``.

    Suites that it holds of the same agent and options stay in it. One of another agent or of other options is kept
    beside it, as ``evaluation-CODE.json``, and is continued when these are evaluated again.

    Args:
        folder: of the run.
        results: plain values, as ``SuiteReport.save`` has them.

    Raises:
        StorageError: if a file cannot be written; ``evaluation.json`` is then as it was.
    """
    path, own = folder / EVALUATION_NAME, dict(results)
    earlier = _read(path)
    if earlier is not None and _identity(earlier) == _identity(own):
        own = _joined(earlier, own)
    else:
        if path.exists():
            text = path.read_text(errors="replace")
            code = zlib.crc32((text if earlier is None else _identity(earlier)).encode())
            write_text(folder / f"evaluation-{code:08x}.json", text)
        beside = folder / f"evaluation-{zlib.crc32(_identity(own).encode()):08x}.json"
        continued = _read(beside)
        if continued is not None and _identity(continued) == _identity(own):
            own = _joined(continued, own)
            write_text(path, _text(own))
            beside.unlink(missing_ok=True)
            return
    write_text(path, _text(own))


def _identity(results: Mapping[str, Any]) -> str:
    return json.dumps({name: results.get(name) for name in IDENTITY}, sort_keys=True)


def _joined(earlier: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What both found; of a suite that both have, what the new one did."""
    found = dict(new)
    for part in BY_SUITE:
        if part in earlier or part in new:
            found[part] = {**earlier.get(part, {}), **new.get(part, {})}
    old, breakdown = earlier.get("breakdown", {}), new.get("breakdown", {})
    found["breakdown"] = {
        kind: {**old.get(kind, {}), **breakdown.get(kind, {})} for kind in dict.fromkeys([*old, *breakdown])
    }
    left_out = {**earlier.get("left_out", {}), **new.get("left_out", {})}
    found["left_out"] = {suite: why for suite, why in left_out.items() if suite not in found["suites"]}
    return found


def _read(path: Path) -> dict[str, Any] | None:
    """The results of a file; None if there are none in it, or if they were changed."""
    try:
        content = json.loads(path.read_text())
        checksum = content.pop(CHECKSUM, None)
        if checksum is not None and checksum != checksum_of(content):
            return None
        parts = [content["suites"], content.get("breakdown", {}), content.get("left_out", {})]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return content if all(isinstance(part, dict) for part in parts) else None


def _text(results: Mapping[str, Any]) -> str:
    return json.dumps({**results, CHECKSUM: checksum_of(results)}, indent=2) + "\n"
