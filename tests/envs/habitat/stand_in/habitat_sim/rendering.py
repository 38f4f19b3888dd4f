"""The ray caster: one ray a pixel center, against the triangles whose picture may hold it. Back faces are culled."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .gltf import Mesh

HALF = 0.5 - 1e-6  # the real one rounds 178.5, which is .7 of 255, down


class Surfaces:
    """The triangles of a scene as the kernel reads them: N of them."""

    def __init__(self) -> None:
        self.corners = np.zeros((0, 3, 3))
        self.uv = np.zeros((0, 3, 2))
        self.colors = np.zeros((0, 3, 3))
        self.texture = np.zeros(0, dtype=np.int64)
        self.ids = np.zeros(0, dtype=np.int64)
        self.sizes = np.zeros((1, 2), dtype=np.int64)
        self.starts = np.zeros(1, dtype=np.int64)
        self.texels = np.zeros((1, 3), dtype=np.uint8)

    @classmethod
    def of(cls, parts: list[tuple[Mesh, NDArray[np.float64], int]]) -> Surfaces:
        """Of meshes with their corners in the world and their semantic ids."""
        self = cls()
        if not parts:
            return self
        self.corners = np.concatenate([corners for _, corners, _ in parts])
        self.uv = np.concatenate([mesh.uv for mesh, _, _ in parts])
        self.colors = np.concatenate([mesh.colors for mesh, _, _ in parts])
        self.ids = np.concatenate([np.full(len(corners), id) for _, corners, id in parts])
        pictures: list[NDArray[np.uint8]] = []
        numbers = []
        for mesh, _, _ in parts:
            numbers.append(np.where(mesh.texture < 0, -1, mesh.texture + len(pictures)))
            pictures += mesh.textures
        self.texture = np.concatenate(numbers).astype(np.int64)
        if pictures:
            self.sizes = np.array([picture.shape[:2] for picture in pictures], dtype=np.int64)
            self.starts = np.concatenate([[0], np.cumsum(self.sizes.prod(axis=1))[:-1]]).astype(np.int64)
            self.texels = np.concatenate([picture.reshape(-1, 3) for picture in pictures])
        return self


def render(
    surfaces: Surfaces,
    eye: NDArray[np.float64],
    axes: NDArray[np.float64],
    size: tuple[int, int],
    hfov: float,
    near: float,
    far: float,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint32]]:
    """RGBA, planar depth and ids of what a camera sees.

    Args:
        surfaces: of the scene.
        eye: [3] where the camera is.
        axes: [3, 3] rows: right, up, forward.
        size: rows and columns.
        hfov: horizontal field of view in degrees.
        near: metres before which nothing is seen.
        far: metres behind which nothing is seen.
    """
    height, width = size
    rgba = np.zeros((height, width, 4), dtype=np.uint8)
    rgba[..., 3] = 255
    depth = np.zeros((height, width), dtype=np.float32)
    ids = np.zeros((height, width), dtype=np.uint32)
    if hfov >= 180:
        return rgba, depth, ids
    focal = width / 2 / math.tan(math.radians(hfov) / 2)
    _render(
        surfaces.corners,
        surfaces.uv,
        surfaces.colors,
        surfaces.texture,
        surfaces.ids,
        surfaces.sizes,
        surfaces.starts,
        surfaces.texels,
        eye,
        axes,
        focal,
        near,
        far,
        rgba,
        depth,
        ids,
    )
    return rgba, depth, ids


@njit(cache=True)
def _render(corners, uv, colors, texture, ids, sizes, starts, texels, eye, axes, focal, near, far, rgba, depth, seen):  # type: ignore[no-untyped-def]
    height, width = depth.shape
    v = np.empty((3, 3))
    n = np.empty((3, 3))
    best = np.full((height, width), np.inf)
    for t in range(corners.shape[0]):
        in_front = 0
        for k in range(3):
            for a in range(3):
                v[k, a] = (
                    axes[a, 0] * (corners[t, k, 0] - eye[0])
                    + axes[a, 1] * (corners[t, k, 1] - eye[1])
                    + axes[a, 2] * (corners[t, k, 2] - eye[2])
                )
            in_front += v[k, 2] > near
        if in_front == 0:
            continue
        # of each edge the plane through the eye: a ray inside the triangle is on one side of all three
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            n[k, 0] = v[i, 1] * v[j, 2] - v[i, 2] * v[j, 1]
            n[k, 1] = v[i, 2] * v[j, 0] - v[i, 0] * v[j, 2]
            n[k, 2] = v[i, 0] * v[j, 1] - v[i, 1] * v[j, 0]
        volume = v[0, 0] * n[0, 0] + v[0, 1] * n[0, 1] + v[0, 2] * n[0, 2]
        # (right, up, forward) is a left-handed frame, so what is counter-clockwise to the eye has a positive volume
        if volume <= 0:
            continue
        left, right, top, bottom = 0, width - 1, 0, height - 1
        if in_front == 3:
            low_u, high_u, low_v, high_v = np.inf, -np.inf, np.inf, -np.inf
            for k in range(3):
                u = v[k, 0] / v[k, 2]
                w = -v[k, 1] / v[k, 2]
                low_u, high_u = min(low_u, u), max(high_u, u)
                low_v, high_v = min(low_v, w), max(high_v, w)
            left = max(left, math.floor(low_u * focal + width / 2 - 0.5))
            right = min(right, math.ceil(high_u * focal + width / 2 - 0.5))
            top = max(top, math.floor(low_v * focal + height / 2 - 0.5))
            bottom = min(bottom, math.ceil(high_v * focal + height / 2 - 0.5))
        for row in range(top, bottom + 1):
            up = -(row + 0.5 - height / 2) / focal
            for column in range(left, right + 1):
                aside = (column + 0.5 - width / 2) / focal
                w0 = aside * n[0, 0] + up * n[0, 1] + n[0, 2]
                w1 = aside * n[1, 0] + up * n[1, 1] + n[1, 2]
                w2 = aside * n[2, 0] + up * n[2, 1] + n[2, 2]
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                total = w0 + w1 + w2
                if total <= 0:
                    continue
                d = volume / total
                if d < near or d > far or d >= best[row, column]:
                    continue
                best[row, column] = d
                depth[row, column] = d
                seen[row, column] = ids[t]
                if texture[t] >= 0:
                    k = texture[t]
                    a = (w0 * uv[t, 0, 0] + w1 * uv[t, 1, 0] + w2 * uv[t, 2, 0]) / total
                    b = (w0 * uv[t, 0, 1] + w1 * uv[t, 1, 1] + w2 * uv[t, 2, 1]) / total
                    x = math.floor(a * sizes[k, 1]) % sizes[k, 1]
                    y = math.floor(b * sizes[k, 0]) % sizes[k, 0]
                    place = starts[k] + y * sizes[k, 1] + x
                for c in range(3):
                    light = (w0 * colors[t, 0, c] + w1 * colors[t, 1, c] + w2 * colors[t, 2, c]) / total
                    if texture[t] >= 0:
                        rgba[row, column, c] = int(texels[place, c] * light + HALF)
                    else:
                        rgba[row, column, c] = int(255 * light + HALF)
