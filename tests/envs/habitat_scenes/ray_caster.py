"""A small ray caster over exported scenes: reads JSON and glTF files as they are, without the code that wrote them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Triangles(NamedTuple):
    """Everything in a scene: T triangles."""

    corners: np.ndarray  # [T, 3, 3]
    ids: np.ndarray  # [T] semantic ids
    colors: np.ndarray  # [T, 3, 3] from 0 to 255 at the corners
    uv: np.ndarray  # [T, 3, 2]
    pictures: np.ndarray  # [T] row of the pictures, -1 where colors count
    images: list[np.ndarray]


def read_glb(path: Path) -> list[dict[str, Any]]:
    """The primitives of a glTF binary file: POSITION, NORMAL, faces, and COLOR_0, or TEXCOORD_0 and an image."""
    import cv2

    raw = path.read_bytes()
    assert raw[:4] == b"glTF"
    assert int.from_bytes(raw[8:12], "little") == len(raw)
    size = int.from_bytes(raw[12:16], "little")
    tree = json.loads(raw[20 : 20 + size])
    data = raw[28 + size :]

    def view(number: int) -> bytes:
        told = tree["bufferViews"][number]
        start = told.get("byteOffset", 0)
        return data[start : start + told["byteLength"]]

    def array(number: int) -> np.ndarray:
        told = tree["accessors"][number]
        columns = WIDTHS[told["type"]]
        flat = np.frombuffer(view(told["bufferView"])[told.get("byteOffset", 0) :], dtype=TYPES[told["componentType"]])
        return flat[: told["count"] * columns].reshape(told["count"], columns)

    found = []
    for node in tree["nodes"]:
        assert not {"matrix", "rotation", "translation", "scale", "children"} & set(node) or "mesh" not in node
        for part in tree["meshes"][node["mesh"]]["primitives"] if "mesh" in node else ():
            assert part.get("mode", 4) == 4
            one: dict[str, Any] = {name: array(number) for name, number in part["attributes"].items()}
            one["faces"] = array(part["indices"]).reshape(-1, 3)
            material = tree["materials"][part["material"]]["pbrMetallicRoughness"]
            one["factor"] = np.array(material.get("baseColorFactor", [1, 1, 1, 1]))[:3]
            if "baseColorTexture" in material:
                texture = tree["textures"][material["baseColorTexture"]["index"]]
                one["sampler"] = tree["samplers"][texture["sampler"]]
                png = view(tree["images"][texture["source"]]["bufferView"])
                one["image"] = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
            found.append(one)
    return found


def turned(points: np.ndarray, wxyz: list[float]) -> np.ndarray:
    w, x, y, z = wxyz
    matrix = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return points @ matrix.T


def read_scene(folder: Path, name: str, live_ids: list[int | None] | None = None) -> Triangles:
    """A scene of a dataset folder; ``live_ids`` are set on its objects in their order, None keeps their template's."""
    scene = json.loads((folder / f"{name}.scene_instance.json").read_text())
    stage = json.loads((folder / f"{scene['stage_instance']['template_name']}.stage_config.json").read_text())
    parts: list[tuple[list[dict[str, Any]], int, list[float], list[float]]] = [
        (read_glb(folder / stage["render_asset"]), 0, [0, 0, 0], [1, 0, 0, 0])
    ]
    for number, one in enumerate(scene["object_instances"]):
        config = json.loads((folder / f"{one['template_name']}.object_config.json").read_text())
        assert config["COM"] == [0, 0, 0]
        assert config["force_flat_shading"]
        live = None if live_ids is None else live_ids[number]
        semantic = config["semantic_id"] if live is None else live
        parts.append((read_glb(folder / config["render_asset"]), semantic, one["translation"], one["rotation"]))
    corners, ids, colors, uv, pictures, images = [], [], [], [], [], []
    for primitives, semantic, translation, rotation in parts:
        for one in primitives:
            points = turned(one["POSITION"].astype(float), rotation) + translation
            faces = one["faces"]
            corners.append(points[faces])
            ids.append(np.full(len(faces), semantic))
            shown = one["COLOR_0"][:, :3].astype(float) if "COLOR_0" in one else np.full((len(points), 3), 255.0)
            colors.append((shown * one["factor"])[faces])
            uv.append(one["TEXCOORD_0"][faces] if "image" in one else np.zeros((len(faces), 3, 2)))
            pictures.append(np.full(len(faces), len(images) if "image" in one else -1))
            if "image" in one:
                images.append(one["image"])
    return Triangles(
        *(np.ascontiguousarray(np.concatenate(part)) for part in (corners, ids, colors, uv, pictures)), images
    )


@numba.njit(cache=True)
def _cast(seen, slopes_x, slopes_y, depth, met, weights):  # type: ignore[no-untyped-def]
    """Fill depth, triangles and barycentric weights from corners [T, 3, 3] along the camera's axes."""
    height, width = depth.shape
    step = slopes_x[1] - slopes_x[0]
    for t in range(len(seen)):
        ax, ay, az = seen[t, 0, 0], seen[t, 0, 1], seen[t, 0, 2]
        bx, by, bz = seen[t, 1, 0] - ax, seen[t, 1, 1] - ay, seen[t, 1, 2] - az
        cx, cy, cz = seen[t, 2, 0] - ax, seen[t, 2, 1] - ay, seen[t, 2, 2] - az
        nearest = min(az, az + bz, az + cz)
        if max(az, az + bz, az + cz) <= 0.01:
            continue
        left, last, top, bottom = 0, width - 1, 0, height - 1
        if nearest > 0.01:
            x0, x1, x2 = ax / az, (ax + bx) / (az + bz), (ax + cx) / (az + cz)
            y0, y1, y2 = ay / az, (ay + by) / (az + bz), (ay + cy) / (az + cz)
            left = max(left, int((min(x0, x1, x2) - slopes_x[0]) / step) - 1)
            last = min(last, int((max(x0, x1, x2) - slopes_x[0]) / step) + 1)
            top = max(top, int((min(y0, y1, y2) - slopes_y[0]) / step) - 1)
            bottom = min(bottom, int((max(y0, y1, y2) - slopes_y[0]) / step) + 1)
        nx, ny, nz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        offset, square = nx * ax + ny * ay + nz * az, nx * nx + ny * ny + nz * nz
        for row in range(top, bottom + 1):
            for column in range(left, last + 1):
                along = nx * slopes_x[column] + ny * slopes_y[row] + nz
                if along >= 0:  # its back
                    continue
                d = offset / along
                if d <= 0.01 or d >= depth[row, column]:
                    continue
                px, py, pz = d * slopes_x[column] - ax, d * slopes_y[row] - ay, d - az
                # barycentric coordinates by volumes
                one = (nx * (py * cz - pz * cy) + ny * (pz * cx - px * cz) + nz * (px * cy - py * cx)) / square
                two = (nx * (by * pz - bz * py) + ny * (bz * px - bx * pz) + nz * (bx * py - by * px)) / square
                if one < -1e-7 or two < -1e-7 or one + two > 1 + 1e-7:
                    continue
                depth[row, column] = d
                met[row, column] = t
                weights[row, column, 0], weights[row, column, 1] = one, two


def cast(
    scene: Triangles,
    x: float,
    y: float,
    heading: float,
    *,
    eye_height: float = 0.6,
    width: int = 64,
    height: int = 64,
    hfov: float = 90,
    horizon: float = 0.5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth [H, W] (0 where nothing is), semantic ids [H, W] and rgb [H, W, 3] seen from a pose of the map.

    ``horizon`` is where the horizon is, as a fraction of the height from the top.
    """
    focal = width / 2 / math.tan(math.radians(hfov) / 2)
    eye = np.array([x, eye_height, y])
    forward = np.array([math.cos(heading), 0.0, math.sin(heading)])
    right = np.array([-math.sin(heading), 0.0, math.cos(heading)])
    depth = np.full((height, width), np.inf)
    met, weights = np.full((height, width), -1), np.zeros((height, width, 2))
    slopes_x = (np.arange(width) + 0.5 - width / 2) / focal
    slopes_y = (np.arange(height) + 0.5 - horizon * height) / focal
    axes = np.stack([right, [0.0, -1.0, 0.0], forward], axis=1)
    _cast((scene.corners - eye) @ axes, slopes_x, slopes_y, depth, met, weights)
    is_met = met >= 0
    ids = np.where(is_met, scene.ids[met], 0)
    full = np.concatenate([1 - weights.sum(axis=2, keepdims=True), weights], axis=2)
    rgb = (full[..., None] * scene.colors[met]).sum(axis=2)
    uv = (full[..., None] * scene.uv[met]).sum(axis=2)
    for number, image in enumerate(scene.images):
        shows = is_met & (scene.pictures[met] == number)
        size = np.array([image.shape[1], image.shape[0]])
        at = np.floor(uv[shows] * size).astype(int) % size
        rgb[shows] = image[at[:, 1], at[:, 0]]
    rgb[~is_met] = 0
    return np.where(is_met, depth, 0), ids, np.round(rgb).astype(np.uint8)
