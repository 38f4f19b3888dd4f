"""What a simulator is made with, as plain values that travel to its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import facts


@dataclass(frozen=True)
class SimulatorSettings:
    """A body, its camera, and how it moves.

    Attributes:
        width: of the pictures, pixels.
        height: likewise.
        hfov_degrees: horizontal field of view.
        carried_at: where what is carried is, from the agent: metres to the right, up, and back.
        eye_m: of the camera above the agent's own position, which is one navmesh cell above the floor.
        sensors: which of "rgb", "depth", "semantic" there are; none makes a simulator without OpenGL.
        step_m: metres of a step forward.
        turn_degrees: of a turn.
        slides: along walls, instead of stopping there.
        navmesh: attributes of ``NavMeshSettings``.
        gpu: the GPU that renders; -1 renders on the CPU.
        seed: of the simulator.
    """

    width: int = 64
    height: int = 64
    hfov_degrees: float = 90.0
    eye_m: float = 0.6
    sensors: tuple[str, ...] = (facts.COLOR, facts.DEPTH, facts.SEMANTIC)
    step_m: float = 0.25
    turn_degrees: float = 15.0
    slides: bool = False
    navmesh: dict[str, Any] = field(default_factory=dict)
    carried_at: tuple[float, float, float] = facts.CARRIED_AT
    gpu: int = facts.CPU
    seed: int = 0


@dataclass(frozen=True)
class Placement:
    """An object in a scene.

    Attributes:
        template: its name in the dataset.
        position: X, Y, Z in metres.
        rotation: quaternion x, y, z, w.
        semantic_id: what the semantic sensor shows it as; None leaves the template's.
        is_static: whether it is part of the navigation mesh, and stays where it is until it is moved.
    """

    template: str
    position: tuple[float, float, float]
    rotation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    semantic_id: int | None = None
    is_static: bool = True


def plain(settings: SimulatorSettings) -> dict[str, Any]:
    """As a dictionary, which an interpreter without our package can read."""
    return dict(vars(settings))
