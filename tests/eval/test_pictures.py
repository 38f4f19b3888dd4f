"""What is shown of an agent's observation."""

from __future__ import annotations

import numpy as np

from groundling.eval.pictures import picture_of
from groundling.interfaces import RGB, SYMBOLS, Field, Spec
from groundling.language.vocabulary import Vocabulary


def spec_with(**fields: Field) -> Spec:
    return Spec(fields, ("left",), Vocabulary.of(("go",)))


def test_symbols_that_nobody_can_draw_are_left_out() -> None:
    cells = np.full((1, 7, 7, 3), 64, dtype=np.uint8)
    letters = Field((7, 7, 3), "uint8", SYMBOLS, sizes=(256, 16, 256))
    assert picture_of({"symbols": cells}, spec_with(symbols=letters)) is None
    view = np.full((1, 4, 4, 3), 9, dtype=np.uint8)
    seen = picture_of({"symbols": cells, "view": view}, spec_with(symbols=letters, view=Field((4, 4, 3), "uint8", RGB)))
    assert seen is not None
    assert (seen == view[0]).all()


def test_minigrids_symbols_are_drawn_as_tiles() -> None:
    cells = np.ones((1, 7, 7, 3), dtype=np.uint8)
    cells[0, 2, 3] = (5, 2, 0)  # a blue key
    seen = picture_of({"image": cells}, spec_with(image=Field((7, 7, 3), "uint8", SYMBOLS)))
    assert seen is not None
    assert seen.shape == (224, 224, 3)
    tile = seen[96:128, 64:96].reshape(-1, 3).max(axis=0)
    assert tile[2] > tile[0]
    assert (seen[:32, :32] == seen[:32, 32:64]).all()
