"""Figures of value maps: the world from above, its values as colors, and the optimal way on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from groundling.envs.engine.constants import Action
from groundling.envs.rendering import render_world
from groundling.exact.mdp import Mdp
from groundling.exact.value_map import LETTERS, ValueMap

STEPS: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))  # by direction
PIXELS: Final = 32  # of a tile


def value_figure(mdp: Mdp, maps: Sequence[ValueMap], title: str = "") -> Figure:
    """A panel for each map, in the order of the way.

    Args:
        mdp: what the maps are of.
        maps: at least one.
        title: above them.
    """
    columns = min(3, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.8 * rows), layout="constrained")
    top = max(float(np.nanmax(each.value)) for each in maps)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for number, (axis, each) in enumerate(zip(panels, maps, strict=False), start=1):
        height, width = each.value.shape
        picture = render_world(mdp.worlds([each.way[0]]), 0, tile_pixels=PIXELS)
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        axis.imshow(picture, extent=extent)
        image = axis.imshow(each.value, extent=extent, cmap="viridis", vmin=0, vmax=max(top, 1e-9), alpha=0.65)
        for (y, x), direction in np.ndenumerate(each.direction):
            if direction < 0:
                continue
            action = Action(int(each.action[y, x])) if each.action[y, x] < len(Action) else None
            if action in LETTERS:
                axis.text(x, y, LETTERS[action], ha="center", va="center", color="white", fontsize=8)
            else:
                dx, dy = STEPS[int(direction)]
                axis.arrow(x - 0.2 * dx, y - 0.2 * dy, 0.25 * dx, 0.25 * dy, head_width=0.14, color="white", lw=0.6)
        xs, ys = [x for x, _, _ in each.places], [y for _, y, _ in each.places]
        axis.plot(xs, ys, color="tab:red", lw=2)
        axis.plot(xs[0], ys[0], "o", color="tab:red", ms=6)
        axis.set_title(f"part {number} of {len(maps)}" if len(maps) > 1 else "", fontsize=9)
        left, top_row, right, bottom = each.box
        axis.set_xlim(left - 0.5, right - 0.5)
        axis.set_ylim(bottom - 0.5, top_row - 0.5)
        axis.set_axis_off()
    for axis in list(panels)[len(maps) :]:
        axis.set_axis_off()
    figure.colorbar(image, ax=figure.axes, shrink=0.7, label="value")
    figure.suptitle(title, fontsize=10)
    return figure
