"""Reading binary glTF as triangles: positions, texture coordinates, colors, textures."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

COMPONENTS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
GLTF_MAGIC = 0x46546C67
TRIANGLES = 4
NO_TEXTURE = -1


class Mesh(NamedTuple):
    """N triangles."""

    corners: NDArray[np.float64]  # [N, 3, 3] metres
    uv: NDArray[np.float64]  # [N, 3, 2]
    colors: NDArray[np.float64]  # [N, 3, 3] base color times vertex color, 0 to 1
    texture: NDArray[np.int64]  # [N] number of a texture or NO_TEXTURE
    textures: tuple[NDArray[np.uint8], ...]  # [H, W, 3] RGB each


def read_glb(path: Path) -> Mesh:
    """The triangles of a file, its nodes placed.

    Raises:
        AssertionError: as habitat-sim, if it is missing, damaged, or has no mesh.
    """
    assert path.is_file(), f"{path} is not found"
    raw = path.read_bytes()
    assert len(raw) >= 20, f"{path} is no glTF file"
    magic, _, length = struct.unpack_from("<III", raw)
    assert magic == GLTF_MAGIC, f"{path} is no glTF file"
    assert length == len(raw), f"{path} is truncated"
    size, _ = struct.unpack_from("<II", raw, 12)
    document = json.loads(raw[20 : 20 + size])
    binary = raw[20 + size + 8 :]
    textures = tuple(_image(document, binary, texture["source"]) for texture in document.get("textures", ()))
    parts: list[Mesh] = []
    scene = document.get("scenes", [{}])[document.get("scene", 0)]
    for node in scene.get("nodes", range(len(document.get("nodes", ())))):
        _collect(document, binary, node, np.eye(4), parts)
    assert parts, f"{path} has no mesh"
    return Mesh(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Mesh._fields[:4]), textures=textures
    )


def _collect(document: Any, binary: bytes, number: int, above: NDArray[np.float64], parts: list[Mesh]) -> None:
    node = document["nodes"][number]
    matrix = above @ _matrix(node)
    if "mesh" in node:
        for primitive in document["meshes"][node["mesh"]]["primitives"]:
            assert primitive.get("mode", TRIANGLES) == TRIANGLES
            parts.append(_primitive(document, binary, primitive, matrix))
    for child in node.get("children", ()):
        _collect(document, binary, child, matrix, parts)


def _primitive(document: Any, binary: bytes, primitive: Any, matrix: NDArray[np.float64]) -> Mesh:
    attributes = primitive["attributes"]
    points = _accessor(document, binary, attributes["POSITION"]).astype(np.float64)
    points = points @ matrix[:3, :3].T + matrix[:3, 3]
    if "indices" in primitive:
        index = _accessor(document, binary, primitive["indices"]).astype(np.int64).reshape(-1, 3)
    else:
        index = np.arange(len(points)).reshape(-1, 3)
    material = document["materials"][primitive["material"]] if "material" in primitive else {}
    look = material.get("pbrMetallicRoughness", {})
    colors = np.ones((len(points), 3)) * np.array(look.get("baseColorFactor", (1, 1, 1, 1)))[:3]
    if "COLOR_0" in attributes:
        own = _accessor(document, binary, attributes["COLOR_0"])
        colors = colors * (own / np.iinfo(own.dtype).max if own.dtype.kind == "u" else own)[:, :3]
    uv = np.zeros((len(points), 2))
    texture = NO_TEXTURE
    if "baseColorTexture" in look:
        texture = look["baseColorTexture"]["index"]
        uv = _accessor(document, binary, attributes["TEXCOORD_0"]).astype(np.float64)
    return Mesh(points[index], uv[index], colors[index], np.full(len(index), texture), ())


def _matrix(node: Any) -> NDArray[np.float64]:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    found = np.eye(4)
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    found[:3, :3] = rotation_matrix(w, x, y, z) * np.array(node.get("scale", (1, 1, 1)))
    found[:3, 3] = node.get("translation", (0, 0, 0))
    return found


def rotation_matrix(w: float, x: float, y: float, z: float) -> NDArray[np.float64]:
    """The matrix [3, 3] of a unit quaternion."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _accessor(document: Any, binary: bytes, number: int) -> NDArray[Any]:
    accessor = document["accessors"][number]
    view = document["bufferViews"][accessor["bufferView"]]
    dtype = np.dtype("<" + COMPONENTS[accessor["componentType"]])
    width, count = WIDTHS[accessor["type"]], accessor["count"]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    stride = view.get("byteStride", width * dtype.itemsize)
    rows = np.lib.stride_tricks.as_strided(
        np.frombuffer(binary, np.uint8, offset=start), (count, width * dtype.itemsize), (stride, 1)
    )
    return np.ascontiguousarray(rows).view(dtype)


def _image(document: Any, binary: bytes, number: int) -> NDArray[np.uint8]:
    view = document["bufferViews"][document["images"][number]["bufferView"]]
    start = view.get("byteOffset", 0)
    encoded = np.frombuffer(binary, np.uint8, view["byteLength"], start)
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])
