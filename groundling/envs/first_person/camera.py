"""The camera of a rover: its senses, its lens, and what is randomized to test generalization."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.first_person.patterns import SIZE
from groundling.envs.first_person.textures import LEVELS
from groundling.errors import ConfigurationError
from groundling.setting_types import check_settings

WALL_HEIGHT_M: Final = 1.25
FARTHEST_M: Final = 1000.0  # the depth of a row that looks along the floor
MAX_PIXELS: Final = 4096  # a side
MIN_FOV_DEGREES: Final = 10.0
MAX_FOV_DEGREES: Final = 140.0
MAX_SLOPE: Final = math.tan(math.radians(MAX_FOV_DEGREES / 2))
FOG: Final = 0.008  # light lost with the square of the depth
SHARPEST: Final = 1.5  # texels a pixel, beyond which a smaller copy of a texture is read
LANES: Final = 16  # columns are drawn in blocks of so many


@dataclass(frozen=True)
class Randomization:
    """What differs from one episode to another, for tests of generalization; all off by default.

    Everything is drawn from the episode's style (an integer), the noise from the style and the step.

    Attributes:
        pixel_noise: standard deviation of the noise on each color channel of each pixel, as a fraction of full
            brightness.
        lighting: amount, 0 to 1, by which the brightness, the light's color and its direction vary.
        textures: sample the textures of walls, floor and ceiling, instead of bricks, tiles and plaster. Rooms of
            houses keep their floors and walls, which show their kinds.
        colors: amount, 0 to 1, by which the colors of walls, floor, ceiling and (less) of objects vary.
    """

    pixel_noise: float = 0.0
    lighting: float = 0.0
    textures: bool = False
    colors: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("pixel_noise", "lighting", "colors"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ConfigurationError(f"randomization of {name} is a strength from 0 (off) to 1, got {value}")


@dataclass(frozen=True)
class Camera:
    """What a rover sees.

    Attributes:
        width: image width in pixels.
        height: image height in pixels. Pixels are square, so the height sets the vertical field of view.
        fov_degrees: horizontal field of view in degrees.
        eye_height_m: height of the camera above the floor in metres; walls are 1.25 m high, objects about 0.7 m.
        horizon: height of the horizon in the image, as a fraction of the image height from the top. Below 0.5 the image
            shows more of the floor; vertical edges stay vertical.
        rgb: render RGB, [H, W, 3] uint8.
        depth: render depth, [H, W] float32, in metres along the camera's axis (not along the ray), as in Habitat.
        segmentation: render a segmentation, [H, W] uint8: 0 floor or ceiling, 1 wall, else the object's cell code.
        randomization: what varies from one episode to another.
        standing: things stand as meshes do, as in the scenes for Habitat: with their back to a wall, and pictures cut
            out of plates; otherwise those with a front turn it to the camera.
    """

    width: int = 64
    height: int = 64
    fov_degrees: float = 70.0
    eye_height_m: float = 0.65
    horizon: float = 0.42
    rgb: bool = True
    depth: bool = False
    segmentation: bool = False
    randomization: Randomization = field(default_factory=Randomization)
    standing: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("width", "height"):
            value = getattr(self, name)
            if not 1 <= value <= MAX_PIXELS:
                raise ConfigurationError(f"a camera's {name} is from 1 to {MAX_PIXELS} pixels, got {value}")
        if not MIN_FOV_DEGREES <= self.fov_degrees <= MAX_FOV_DEGREES:
            raise ConfigurationError(
                f"a camera's field of view is from {MIN_FOV_DEGREES:g} to {MAX_FOV_DEGREES:g} degrees, "
                f"got {self.fov_degrees:g}; it is given in degrees, not in radians"
            )
        if not 0.05 <= self.eye_height_m <= WALL_HEIGHT_M - 0.05:
            raise ConfigurationError(
                f"a camera's eye is between the floor and the ceiling, from 0.05 to {WALL_HEIGHT_M - 0.05:g} m, "
                f"got {self.eye_height_m:g}"
            )
        if not 0.0 <= self.horizon <= 1.0:
            raise ConfigurationError(f"the horizon is from 0 (top) to 1 (bottom), got {self.horizon:g}")
        if not (self.rgb or self.depth or self.segmentation):
            raise ConfigurationError("a camera needs at least one of the senses rgb, depth and segmentation")
        steepest = self.height * max(self.horizon, 1 - self.horizon) / self.focal_pixels
        if steepest > MAX_SLOPE:
            raise ConfigurationError(
                f"{self.width} x {self.height} pixels at {self.fov_degrees:g} degrees would look up or down by "
                f"{math.degrees(math.atan(steepest)):.0f} degrees, more than {MAX_FOV_DEGREES / 2:g}: make the field "
                "of view or the height smaller, or the width larger"
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Camera:
        """Read plain values (``dataclasses.asdict``, or JSON's) back.

        Raises:
            ConfigurationError: if a setting is impossible.
            TypeError, KeyError: if one is unknown or missing.
        """
        return cls(**{**values, "randomization": Randomization(**values["randomization"])})

    @property
    def focal_pixels(self) -> float:
        """The distance in pixels between the eye and the picture."""
        return self.width / 2 / math.tan(math.radians(self.fov_degrees / 2))


class Lens(NamedTuple):
    """A camera as the kernels read it."""

    row_slopes: NDArray[np.float32]  # [H] how far a row's rays fall in a metre ahead
    row_depths: NDArray[np.float32]  # [H] metres ahead at which they reach the floor or the ceiling
    row_levels: NDArray[np.int32]  # [H] which smaller copy of the floor's or ceiling's texture they read
    row_lights: NDArray[np.float32]  # [H] how much light is left at that depth
    first_slope: float  # how far the first column's rays lie to the right at a metre ahead
    slope_step: float  # between columns, and between rows
    eye_height_m: float
    width: int
    stride: int  # columns, rounded up to whole blocks
    standing: bool  # whether things stand as meshes do


class Variation(NamedTuple):
    """A randomization as the kernels read it."""

    pixel_noise: float
    lighting: float
    textures: bool
    colors: float


def lens_of(camera: Camera) -> Lens:
    """The tables of a camera."""
    focal = camera.focal_pixels
    slopes = (np.arange(camera.height) + 0.5 - camera.horizon * camera.height) / focal
    distance = np.where(slopes > 0, camera.eye_height_m, WALL_HEIGHT_M - camera.eye_height_m)
    depths = distance / np.maximum(np.abs(slopes), distance / FARTHEST_M)
    return Lens(
        row_slopes=slopes.astype(np.float32),
        row_depths=depths.astype(np.float32),
        row_levels=np.clip(np.ceil(np.log2(SIZE * depths / focal / SHARPEST)), 0, LEVELS - 1).astype(np.int32),
        row_lights=(1 / (1 + FOG * depths**2)).astype(np.float32),
        first_slope=(0.5 - camera.width / 2) / focal,
        slope_step=1 / focal,
        eye_height_m=camera.eye_height_m,
        width=camera.width,
        stride=-(-camera.width // LANES) * LANES,
        standing=bool(camera.standing),
    )


def variation_of(randomization: Randomization) -> Variation:
    """The numbers of a randomization."""
    return Variation(
        float(randomization.pixel_noise),
        float(randomization.lighting),
        bool(randomization.textures),
        float(randomization.colors),
    )
