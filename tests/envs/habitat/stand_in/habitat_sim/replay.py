"""Answers that were recorded from the real simulator, call by call, where a folder of recordings is given.

``HABITAT_RECORDINGS`` names it. A call that is not recorded is answered by geometry.
"""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SCENE = "rooms"
DIGITS = 4
RUNS = {
    "wall_slide": ("wall_actions", True),
    "wall_stop": ("wall_actions", False),
    "door_slide": ("door_actions", True),
}


def _turned(yaw: float) -> float:
    return round(math.degrees(yaw) % 360, 2) % 360


def _key(*values: Any) -> tuple[float, ...]:
    return tuple(round(float(value), DIGITS) + 0.0 for part in values for value in np.ravel(part))


@cache
def _recordings() -> dict[str, dict[Any, Any]]:
    folder = os.environ.get("HABITAT_RECORDINGS")
    found: dict[str, dict[Any, Any]] = {"pictures": {}, "steps": {}, "ways": {}}
    if not folder:
        return found
    poses = dict(np.load(Path(folder) / "poses.npz"))
    for row in range(len(poses["map_pose"])):
        w, _, y, _ = poses["rotation"][row]
        key = _key(poses["sensor_position"][row]), _turned(2 * math.atan2(y, w))
        found["pictures"][key] = tuple(poses[name][row] for name in ("rgb", "depth", "semantic"))
    run = dict(np.load(Path(folder) / "trajectory.npz"))
    for name, (actions, slides) in RUNS.items():
        for t, action in enumerate(run[actions].tolist()):
            w, _, y, _ = run[f"{name}_rotation"][t]
            key = (_key(run[f"{name}_position"][t]), _turned(2 * math.atan2(y, w)), slides)
            after = run[f"{name}_position"][t + 1], run[f"{name}_rotation"][t + 1], bool(run[f"{name}_collided"][t])
            found["steps"][(*key, str(run["action_names"][action]))] = after
    ways = dict(np.load(Path(folder) / "follower.npz"))
    for row in range(len(ways["start"])):
        x, z, heading = ways["start"][row]
        names = [str(ways["action_names"][a]) for a in ways["actions"][row] if a >= 0]
        found["ways"][(_key((x, z)), _turned(-(heading + math.pi / 2)), _key(ways["goal"][row]))] = names
    return found


def _is_recorded(simulator: Any) -> bool:
    return simulator.config.sim_cfg.scene_id == SCENE and bool(os.environ.get("HABITAT_RECORDINGS"))


def picture(simulator: Any, eye: Any, yaw: float, spec: Any) -> Any:
    """The recorded picture (rgb, depth, ids) of a camera; None if there is none."""
    if not _is_recorded(simulator) or tuple(spec.resolution) != (64, 64) or float(spec.hfov) != 90:
        return None
    return _recordings()["pictures"].get((_key(eye), _turned(yaw)))


def step(simulator: Any, agent: Any, action: str) -> bool | None:
    """Do a recorded step; whether it was a collision, None if it is not recorded."""
    if not _is_recorded(simulator):
        return None
    slides = bool(simulator.config.sim_cfg.allow_sliding)
    found = _recordings()["steps"].get((_key(agent._position), _turned(agent._yaw), slides, action))
    if found is None:
        return None
    agent._position = np.array(found[0])
    w, _, y, _ = found[1]
    agent._yaw = 2 * math.atan2(y, w)
    return found[2]


def follow(simulator: Any, position: Any, yaw: float, goal: Any) -> list[str] | None:
    """The recorded actions of the follower."""
    if not _is_recorded(simulator):
        return None
    return _recordings()["ways"].get((_key(position[[0, 2]]), _turned(yaw), _key(goal[[0, 2]])))
