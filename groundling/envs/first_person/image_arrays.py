"""From the pixels of a finished frame to an observation's arrays: colors with their noise, depths, object codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundling.envs.first_person.drawing import BYTE, EIGHT, SIXTEEN, F, drawing_kernel, hash64, packed
from groundling.envs.first_person.raycasting import CODE_SHIFT


@drawing_kernel
def write_colors(rgb: NDArray[np.uint8], pixels: NDArray[np.uint32], top: int, bottom: int) -> None:
    """Write the colors of a picture [H, W, 3]."""
    for row in range(top, bottom):
        for column in range(rgb.shape[1]):
            pixel = pixels[row, column]
            rgb[row, column, 0] = np.uint8(pixel)
            rgb[row, column, 1] = np.uint8(pixel >> np.uint32(8))
            rgb[row, column, 2] = np.uint8(pixel >> np.uint32(16))


@drawing_kernel
def write_words(words: NDArray[np.uint32], pixels: NDArray[np.uint32], top: int, bottom: int) -> None:
    """Write the colors of a picture [H, W * 3 / 4], three words for every four pixels."""
    for row in range(top, bottom):
        for group in range(words.shape[1] // 3):
            column, word = np.uint64(4 * group), np.uint64(3 * group)
            first, second = pixels[row, column], pixels[row, column + np.uint64(1)]
            third, fourth = pixels[row, column + np.uint64(2)], pixels[row, column + np.uint64(3)]
            low = np.uint32(np.uint32(first & np.uint32(0xFFFFFF)) | np.uint32(second << np.uint32(24)))
            middle = np.uint32(np.uint32(second >> np.uint32(8)) & np.uint32(0xFFFF))
            high = np.uint32(np.uint32(third >> np.uint32(16)) & np.uint32(0xFF))
            words[row, word] = low
            words[row, word + np.uint64(1)] = np.uint32(middle | np.uint32(third << np.uint32(16)))
            words[row, word + np.uint64(2)] = np.uint32(high | np.uint32(fourth << np.uint32(8)))


@drawing_kernel
def noisy(level: np.int32, bits: np.uint32, strength: np.float32) -> np.int32:
    """A level with noise: the sum of four bytes is nearly a normal distribution."""
    mixed = np.uint32(bits * np.uint32(0x85EBCA6B))
    mixed = np.uint32(np.uint32(mixed ^ np.uint32(mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    mixed = np.uint32(mixed ^ np.uint32(mixed >> np.uint32(16)))
    pairs = np.uint32(
        np.uint32(mixed & np.uint32(0xFF00FF)) + np.uint32(np.uint32(mixed >> np.uint32(8)) & np.uint32(0xFF00FF))
    )
    total = np.int32(np.uint32(pairs >> np.uint32(16)) + np.uint32(pairs & np.uint32(0xFFFF)))
    value = F(level) + F(0.5) + strength * (F(total) - F(510))
    value = value if value > F(0) else F(0)
    return np.int32(value if value < F(255) else F(255))


@drawing_kernel
def add_noise(
    pixels: NDArray[np.uint32], width: int, seed: np.uint64, deviation: np.float32, top: int, bottom: int
) -> None:
    """Add noise to each color of each pixel."""
    strength = deviation * F(255 / 147.8)  # the standard deviation of the sum of four bytes
    for row in range(top, bottom):
        salt = np.uint32(hash64(seed + np.uint64(row)) >> np.uint64(32))
        for column in range(width):
            pixel = np.int32(pixels[row, column])
            bits = np.uint32(salt + np.uint32(np.uint32(column) * np.uint32(0x9E3779B9)))
            red = noisy(np.int32(pixel & BYTE), bits, strength)
            green = noisy(np.int32(np.int32(pixel >> EIGHT) & BYTE), np.uint32(bits ^ np.uint32(0x27D4EB2F)), strength)
            blue = noisy(np.int32(np.int32(pixel >> SIXTEEN) & BYTE), np.uint32(bits ^ np.uint32(0x165667B1)), strength)
            code = np.uint32(pixels[row, column] & np.uint32(0xFF000000))
            pixels[row, column] = packed(red, green, blue, code)


@drawing_kernel
def write_depths(depth: NDArray[np.float32], depths: NDArray[np.float32], top: int, bottom: int) -> None:
    """Write the depths of a picture [H, W]."""
    for row in range(top, bottom):
        for column in range(depth.shape[1]):
            depth[row, column] = depths[row, column]


@drawing_kernel
def write_codes(codes: NDArray[np.uint8], pixels: NDArray[np.uint32], top: int, bottom: int) -> None:
    """Write what each pixel of a picture [H, W] shows."""
    for row in range(top, bottom):
        for column in range(codes.shape[1]):
            codes[row, column] = np.uint8(pixels[row, column] >> np.uint32(CODE_SHIFT))
