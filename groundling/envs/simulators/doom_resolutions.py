"""The sizes of frames that ViZDoom can draw, and the angle of view to ask for."""

from __future__ import annotations

import importlib.util
import math

from groundling.envs.simulators.errors import MissingSimulatorError
from groundling.errors import ConfigurationError

_PLAIN_ASPECT = 4 / 3


def require_vizdoom() -> None:
    """Check that ViZDoom and omgifol are installed.

    Raises:
        MissingSimulatorError: if one is not.
    """
    for module, package in (("vizdoom", "ViZDoom"), ("omg", "omgifol")):
        if importlib.util.find_spec(module) is None:
            raise MissingSimulatorError(f"{package} is not installed: pip install 'groundling[doom]'")


def check_resolution(width: int, height: int) -> None:
    """Check that the engine can draw frames of this size.

    Raises:
        MissingSimulatorError: if ViZDoom is not installed.
        ConfigurationError: if it cannot; the message names those that it can.
    """
    sizes = known_resolutions()
    if (width, height) not in sizes:
        known = ", ".join(f"{wide}x{high}" for wide, high in sizes)
        raise ConfigurationError(f"ViZDoom has no resolution {width}x{height}; it has {known}")


def known_resolutions() -> list[tuple[int, int]]:
    """Every (width, height) that the engine can draw, the smallest frames first; errors as `require_vizdoom`'s."""
    require_vizdoom()
    import vizdoom

    names = [name.removeprefix("RES_") for name in vizdoom.ScreenResolution.__members__]
    sizes = [(int(wide), int(high)) for wide, high in (name.split("X") for name in names)]
    return sorted(sizes, key=lambda size: (size[0] * size[1], size))


def resolution_for(width: int, height: int) -> tuple[int, int]:
    """The smallest resolution of images of this size: of their shape if there is one, and at least as fine."""
    fine = [size for size in known_resolutions() if size[0] >= width and size[1] >= height]
    alike = [size for size in fine if size[0] * height == size[1] * width]
    return next(iter(alike or fine), known_resolutions()[-1])


def engine_field_of_view_deg(width: int, height: int, field_of_view_rad: float) -> float:
    """The angle to ask the engine for, which on frames wider than 4:3 shows more than it is told."""
    widened = max(1.0, (width / height) / _PLAIN_ASPECT)
    return math.degrees(2 * math.atan(math.tan(field_of_view_rad / 2) / widened))


def band_of(resolution: tuple[int, int], image_size: tuple[int, int], horizon: float) -> slice:
    """The rows of a frame, whose horizon is in its middle, that an image of this size shows; sizes (width, height)."""
    width, height = resolution
    rows = min(height, round(width * image_size[1] / image_size[0]))
    top = min(max(0, round(height / 2 - horizon * rows)), height - rows)
    return slice(top, top + rows)
