"""The renderer: what B rovers see, drawn by compiled kernels on the CPU, without a graphics driver.

One environment at a time, see ``scene``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs import tiles
from groundling.envs.engine import constants, floors, kinds
from groundling.envs.engine.compiling import compiler
from groundling.envs.engine.constants import MAX_OBJECTS
from groundling.envs.engine.kinds import PLAIN_KINDS, Kinds
from groundling.envs.engine.rover import Poses
from groundling.envs.engine.state import Worlds
from groundling.envs.first_person import (
    atlas,
    drawing,
    furniture,
    image_arrays,
    other_floors,
    parts,
    patterns,
    plates,
    raycasting,
    room_textures,
    scene,
    shading,
    shapes,
    solids,
    standing,
    textures,
    things,
)
from groundling.envs.first_person import camera as camera_module
from groundling.envs.first_person import style as style_module
from groundling.envs.first_person.atlas import CONSTANTS, Atlas
from groundling.envs.first_person.camera import Camera, Lens, Variation, lens_of, variation_of
from groundling.envs.first_person.drawing_checks import check_drawn
from groundling.envs.first_person.palette import Palette, palette_of
from groundling.envs.first_person.raycasting import FLOAT_ROWS, INTEGER_ROWS
from groundling.envs.first_person.scene import Scenes, Scratch, Views, draw_scene, show
from groundling.envs.first_person.shapes import Frame
from groundling.errors import ConfigurationError
from groundling.language import own_words

kernel = compiler(
    __file__,
    constants.__file__,
    floors.__file__,
    camera_module.__file__,
    drawing.__file__,
    style_module.__file__,
    raycasting.__file__,
    scene.__file__,
    atlas.__file__,
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
    atlas: Atlas,
    scratch: Scratch,
    start: int,
    stop: int,
) -> None:
    """Draw environments start to stop; ``words`` are the colors of the views four bytes at a time, where they fit."""
    # rows that end with a block need no copy
    in_place = len(views.depth) > 0 and lens.width == lens.stride
    for b in range(start, stop):
        depths = views.depth[b] if in_place else scratch.depths
        frame = Frame(depths, scratch.pixels, scratch.floats, lens.row_slopes, 0, len(lens.row_slopes))
        draw_scene(scenes, poses, width, styles[b], lens, variation, palette, atlas, scratch, frame, b)
        show(views, words, lens, variation, styles[b], scenes.step_count[b], frame, in_place, b)


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
            scenes,
            poses,
            width,
            style,
            views,
            words,
            lens,
            self._variation,
            self._palette,
            CONSTANTS,
            scratch,
            start,
            stop,
        )
