"""The renderer: what B rovers see, drawn by compiled kernels on the CPU, without a graphics driver.

One environment at a time: rays march to the walls (``raycasting``), the background is filled in, the things on the
tiles that the rays crossed are drawn (``things``, from the tables of ``solids``), then the senses are written out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs import tiles
from groundling.envs.engine import constants, floors, kinds
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import CLOSED, DOOR, FIRST_OBJECT, HELD, HOLDS, MAX_OBJECTS, NOTHING_CODE, OPEN
from groundling.envs.engine.kinds import PLAIN_KINDS, Kinds
from groundling.envs.engine.rover import Poses
from groundling.envs.engine.state import Worlds
from groundling.envs.first_person import camera as camera_module
from groundling.envs.first_person import (
    drawing,
    furniture,
    image_arrays,
    other_floors,
    parts,
    patterns,
    plates,
    raycasting,
    room_textures,
    shading,
    shapes,
    solids,
    standing,
    textures,
    things,
)
from groundling.envs.first_person import style as style_module
from groundling.envs.first_person.camera import Camera, Lens, Variation, lens_of, variation_of
from groundling.envs.first_person.drawing import F, drawing_kernel, hash64
from groundling.envs.first_person.drawing_checks import check_drawn
from groundling.envs.first_person.image_arrays import add_noise, write_codes, write_colors, write_depths, write_words
from groundling.envs.first_person.other_floors import fill_other_floors
from groundling.envs.first_person.palette import Palette, palette_of
from groundling.envs.first_person.raycasting import (
    FLOAT_ROWS,
    INTEGER_ROWS,
    Eye,
    cast_columns,
    fill_background,
    floor_at,
    floor_texture,
    spans_x,
)
from groundling.envs.first_person.shapes import Frame
from groundling.envs.first_person.standing import TURNING, back_of
from groundling.envs.first_person.style import style_of
from groundling.envs.first_person.things import draw_held, draw_shown, draw_thing
from groundling.errors import ConfigurationError
from groundling.language import own_words


class Views(NamedTuple):
    """What B cameras see; a sense that a camera lacks has no environments."""

    rgb: NDArray[np.uint8]  # [B, H, W, 3]
    depth: NDArray[np.float32]  # [B, H, W] metres along the camera's axis
    segmentation: NDArray[np.uint8]  # [B, H, W] 0 floor or ceiling, 1 wall, else the object's cell code


class Scratch(NamedTuple):
    """What one thread needs while it draws."""

    depths: NDArray[np.float32]  # [H, stride]
    pixels: NDArray[np.uint32]  # [H, stride]
    floats: NDArray[np.float32]  # [FLOAT_ROWS, stride]
    integers: NDArray[np.int32]  # [INTEGER_ROWS, stride]
    tiles: NDArray[np.int32]  # [objects]


class Scenes(NamedTuple):
    """The part of the worlds that is seen."""

    cells: NDArray[np.uint8]  # [B, H * W]
    floors: NDArray[np.uint8]  # [B, H * W] floor codes, or [B, 0] where all are plain
    looks: NDArray[np.int32]  # [B, O + 2]
    contents: NDArray[np.uint8]  # [B, O]
    carried: NDArray[np.uint8]  # [B]
    step_count: NDArray[np.int32]  # [B]


kernel = compiler(
    __file__,
    constants.__file__,
    floors.__file__,
    camera_module.__file__,
    drawing.__file__,
    style_module.__file__,
    raycasting.__file__,
    shading.__file__,
    shapes.__file__,
    image_arrays.__file__,
    things.__file__,
    furniture.__file__,
    parts.__file__,
    solids.__file__,
    standing.__file__,
    textures.__file__,
    patterns.__file__,
    plates.__file__,
    other_floors.__file__,
    room_textures.__file__,
    tiles.__file__,
    kinds.__file__,
    own_words.__file__,
)


@kernel
def draw_batch(
    scenes: Scenes,
    poses: Poses,
    width: int,
    styles: NDArray[np.uint64],
    views: Views,
    words: NDArray[np.uint32],
    lens: Lens,
    variation: Variation,
    palette: Palette,
    scratch: Scratch,
    start: int,
    stop: int,
) -> None:
    """Draw environments start to stop; ``words`` are the colors of the views four bytes at a time, where they fit."""
    # rows that end with a block need no copy
    in_place = len(views.depth) > 0 and lens.width == lens.stride
    for b in range(start, stop):
        depths = views.depth[b] if in_place else scratch.depths
        frame = Frame(depths, scratch.pixels, scratch.floats, lens.row_slopes)
        draw_scene(scenes, poses, width, styles[b], lens, variation, palette, scratch, frame, b)
        if len(views.rgb) > 0:
            if variation.pixel_noise > 0:
                noise_seed = hash64(styles[b] ^ hash64(np.uint64(scenes.step_count[b])))
                add_noise(scratch.pixels, lens.width, noise_seed, F(variation.pixel_noise))
            if len(words) > 0:
                write_words(words[b], scratch.pixels)
            else:
                write_colors(views.rgb[b], scratch.pixels)
        if len(views.depth) > 0 and not in_place:
            write_depths(views.depth[b], scratch.depths)
        if len(views.segmentation) > 0:
            write_codes(views.segmentation[b], scratch.pixels)


@drawing_kernel
def draw_scene(
    scenes: Scenes,
    poses: Poses,
    width: int,
    seed: np.uint64,
    lens: Lens,
    variation: Variation,
    palette: Palette,
    scratch: Scratch,
    frame: Frame,
    b: int,
) -> None:
    """Draw environment ``b`` on a frame."""
    heading = poses.heading[b]
    eye = Eye(F(poses.x[b]), F(poses.y[b]), F(np.cos(heading)), F(np.sin(heading)))
    style = style_of(seed, variation)
    cells, looks, grounds = scenes.cells[b], scenes.looks[b], scenes.floors[b]
    floats, integers = scratch.floats, scratch.integers
    met = cast_columns(cells, grounds, looks, width, eye, lens, style, palette, floats, integers, scratch.tiles)
    floor = floor_at(grounds, width, eye)
    fill_background(eye, lens, style, floor_texture(floor, style), floats, integers, frame.depths, frame.pixels)
    if len(grounds) > 0:
        fill_other_floors(grounds, width, floor, eye, lens, style, floats, integers, frame.pixels)
    k = 0
    while met != np.uint64(0):
        if met & np.uint64(1):
            look = int(looks[k + FIRST_OBJECT])
            # a door that is closed is part of the walls
            if look & 0xFF != DOOR or (look >> 16) & 0xFF == OPEN:
                tile = scratch.tiles[k]
                row = tile // width
                away_x = F(tile - row * width) + F(0.5) - eye.x
                away_y = F(row) + F(0.5) - eye.y
                along_y = look & 0xFF == DOOR and spans_x(cells, tile)
                back = back_of(cells, tile, width) if lens.standing else TURNING
                draw_thing(
                    look,
                    k + FIRST_OBJECT,
                    away_x,
                    away_y,
                    F(lens.eye_height_m),
                    F(1),
                    along_y,
                    back,
                    eye,
                    lens,
                    frame,
                    style,
                    seed,
                    variation,
                    palette,
                )
                held = int(scenes.contents[b, k])
                if held >= HOLDS and held & HELD != NOTHING_CODE and (look >> 16) & 0xFF != CLOSED:
                    draw_shown(
                        look,
                        int(looks[held & HELD]),
                        held & HELD,
                        away_x,
                        away_y,
                        back,
                        eye,
                        lens,
                        frame,
                        style,
                        seed,
                        variation,
                        palette,
                    )
        met >>= np.uint64(1)
        k += 1
    held = int(scenes.carried[b])
    if held != NOTHING_CODE:
        draw_held(int(looks[held]), held, eye, lens, frame, style, seed, variation, palette)


class FirstPersonRenderer:
    """Draws what rovers see.

    Args:
        camera: of every rover.
        kinds: the types and colors of the worlds; a thing of any other is not drawn.
    """

    def __init__(self, camera: Camera, kinds: Kinds = PLAIN_KINDS) -> None:
        self.camera = camera
        self._palette = palette_of(kinds)
        self._lens = lens_of(camera)
        self._variation = variation_of(camera.randomization)

    def make_views(self, num_envs: int) -> Views:
        """Empty views of B environments."""
        size = (self.camera.height, self.camera.width)
        rgb, depth, segmentation = (
            num_envs if sense else 0 for sense in (self.camera.rgb, self.camera.depth, self.camera.segmentation)
        )
        return Views(
            rgb=np.zeros((rgb, *size, 3), dtype=np.uint8),
            depth=np.zeros((depth, *size), dtype=np.float32),
            segmentation=np.zeros((segmentation, *size), dtype=np.uint8),
        )

    def draw(
        self,
        state: Worlds,
        poses: Poses,
        width: int,
        style: NDArray[np.uint64],
        views: Views,
        start: int,
        stop: int,
    ) -> None:
        """Draw some environments of a batch. Threads may draw others at the same time.

        Args:
            state: the worlds.
            poses: where the rovers are [B].
            width: tiles in a row of the map, its border included.
            style: [B] uint64, what the randomization of each episode is drawn from; no matter where it is off.
            views: written, rows start to stop.
            start: the first environment.
            stop: the end of the environments.

        Raises:
            ConfigurationError: if the views were made for another camera, or the worlds or poses lead beside the map.
        """
        check_drawn(state, poses, width, style, start, stop)
        self.draw_checked(state, poses, width, style, views, start, stop)

    def draw_checked(
        self,
        state: Worlds,
        poses: Poses,
        width: int,
        style: NDArray[np.uint64],
        views: Views,
        start: int,
        stop: int,
    ) -> None:
        """As :meth:`draw`, of worlds and poses that were found right when they were made, and kernels moved since."""
        size = (self.camera.height, self.camera.width)
        if any(view.shape[1:3] != size or (len(view) > 0 and len(view) < stop) for view in views):
            raise ConfigurationError(
                f"the views are not those of {stop} cameras of {self.camera.width} x {self.camera.height} pixels: "
                "make them with make_views of the same renderer"
            )
        lens = self._lens
        words = np.empty((0, 0, 0), dtype=np.uint32)
        if self.camera.width % 4 == 0 and views.rgb.flags.c_contiguous and len(views.rgb) > 0:
            words = views.rgb.reshape(*views.rgb.shape[:2], -1).view(np.uint32)
        padded = (self.camera.height, lens.stride)
        scratch = Scratch(
            depths=np.empty(padded, dtype=np.float32),
            pixels=np.empty(padded, dtype=np.uint32),
            floats=np.empty((FLOAT_ROWS, lens.stride), dtype=np.float32),
            integers=np.empty((INTEGER_ROWS, lens.stride), dtype=np.int32),
            tiles=np.empty(MAX_OBJECTS, dtype=np.int32),
        )
        scenes = Scenes(state.cells, state.floors, state.looks, state.contents, state.carried, state.step_count)
        draw_batch(
            scenes, poses, width, style, views, words, lens, self._variation, self._palette, scratch, start, stop
        )
