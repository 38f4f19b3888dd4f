"""Meshes: triangles with a color a vertex or a picture, and the glTF binary files that they are written to.

Colors are shaded already, as Habitat draws them flat: exactly as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.extras import brought_by

Points = NDArray[np.float64]
_NEAREST, _REPEAT = 9728, 10497  # of glTF
_QUAD: Final = np.array([[0, 1, 2], [0, 2, 3]])


@dataclass(frozen=True)
class Mesh:
    """Triangles of one material.

    Attributes:
        points: [V, 3] metres: X right, Y up, Z to the front.
        normals: [V, 3].
        faces: [F, 3] rows of points, counter-clockwise where they are seen.
        colors: [V, 3] uint8; None of those that show a picture.
        uv: [V, 2], (0, 0) is the picture's top left and (1, 1) its bottom right, beyond which it repeats.
        picture: [H, W, 3] uint8.
    """

    points: Points
    normals: Points
    faces: NDArray[np.int64]
    colors: NDArray[np.uint8] | None = None
    uv: Points | None = None
    picture: NDArray[np.uint8] | None = None


def quads(corners: Points, normals: Points, **attributes: Any) -> Mesh:
    """Quadrangles from their corners [Q, 4, 3], counter-clockwise, with a normal [Q, 3] each.

    Args:
        corners: as above.
        normals: as above.
        attributes: "colors" [Q, 3], "uv" [Q, 4, 2], "picture".
    """
    count = len(corners)
    faces = (np.arange(count)[:, None, None] * 4 + _QUAD).reshape(-1, 3)
    colors, uv = attributes.get("colors"), attributes.get("uv")
    return Mesh(
        corners.reshape(-1, 3),
        np.repeat(normals, 4, axis=0),
        faces,
        None if colors is None else np.repeat(np.asarray(colors, dtype=np.uint8), 4, axis=0),
        None if uv is None else np.asarray(uv, dtype=np.float64).reshape(-1, 2),
        attributes.get("picture"),
    )


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Colored meshes as one."""
    starts = np.cumsum([0, *(len(mesh.points) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]),
        np.concatenate([mesh.colors for mesh in meshes if mesh.colors is not None]),
    )


def import_trimesh() -> Any:
    """The library that writes glTF.

    Raises:
        MissingPackageError: if it is not installed.
    """
    with brought_by("habitat", "scenes for Habitat are written by trimesh, which is not installed"):
        import trimesh
        import trimesh.visual
    return trimesh


def to_glb(meshes: Sequence[Mesh]) -> bytes:
    """A glTF 2 binary file of some meshes, a node each; pictures repeat, and are read without smoothing.

    Raises:
        MissingPackageError: if trimesh is not installed.
    """
    trimesh = import_trimesh()
    scene = trimesh.Scene()
    for number, mesh in enumerate(meshes):
        scene.add_geometry(
            trimesh.Trimesh(
                mesh.points,
                mesh.faces,
                vertex_normals=mesh.normals,
                visual=_visual(trimesh, mesh, f"m{number}"),
                process=False,
                validate=False,
            ),
            node_name=f"m{number}",
            geom_name=f"m{number}",
        )
    written: bytes = scene.export(file_type="glb", include_normals=True, tree_postprocessor=_finish)
    return written


def _visual(trimesh: Any, mesh: Mesh, name: str) -> Any:
    if mesh.picture is None or mesh.uv is None:
        assert mesh.colors is not None, "a mesh has colors or a picture"
        opaque = np.full((len(mesh.colors), 1), 255, dtype=np.uint8)
        return trimesh.visual.ColorVisuals(vertex_colors=np.concatenate([mesh.colors, opaque], axis=1))
    material = trimesh.visual.material.PBRMaterial(
        name=name,
        baseColorTexture=_image(mesh.picture.tobytes(), mesh.picture.shape),
        baseColorFactor=[255, 255, 255, 255],
        metallicFactor=0.0,
        roughnessFactor=1.0,
    )
    uv = mesh.uv * [1, -1] + [0, 1]  # trimesh counts from the bottom
    return trimesh.visual.TextureVisuals(uv=uv, material=material)


class Png:
    """An image that is encoded already, as trimesh asks for it."""

    format = "PNG"

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded

    def save(self, file: BinaryIO, format: str) -> None:
        """Write the file."""
        file.write(self.encoded)

    def tobytes(self) -> bytes:
        """What tells it from others."""
        return self.encoded


@lru_cache(maxsize=1024)
def _image(raw: bytes, shape: tuple[int, ...]) -> Png:
    rgb = np.frombuffer(raw, dtype=np.uint8).reshape(shape)
    _, encoded = cv2.imencode(".png", rgb[..., ::-1])
    return Png(encoded.tobytes())


def _finish(tree: dict[str, Any]) -> None:
    """What trimesh leaves out: samplers, and a material of colored meshes."""
    if tree.get("textures"):
        tree["samplers"] = [
            {"magFilter": _NEAREST, "minFilter": _NEAREST, "wrapS": _REPEAT, "wrapT": _REPEAT},
        ]
        for texture in tree["textures"]:
            texture["sampler"] = 0
    plain = [part for mesh in tree["meshes"] for part in mesh["primitives"] if "material" not in part]
    if plain:
        materials = tree.setdefault("materials", [])
        for part in plain:
            part["material"] = len(materials)
        white = {"baseColorFactor": [1.0, 1.0, 1.0, 1.0], "metallicFactor": 0.0, "roughnessFactor": 1.0}
        materials.append({"name": "colors", "pbrMetallicRoughness": white})


def read_tree(raw: bytes) -> dict[str, Any]:
    """The JSON part of a glTF binary file."""
    length = int.from_bytes(raw[12:16], "little")
    tree: dict[str, Any] = json.loads(raw[20 : 20 + length])
    return tree
