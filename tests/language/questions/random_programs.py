"""Random programs of a form."""

from __future__ import annotations

from typing import Any

import numpy as np

from groundling.language.questions.forms import Form
from groundling.language.questions.programs import Part, Program, Rooms, Things, filled
from groundling.language.questions.words import COLORS, CONTAINER_KINDS, ROOM_KINDS, THING_KINDS


def random_program(form: Form, rng: np.random.Generator) -> Program:
    parts: dict[str, Part] = {}
    for name, kind in form.slots:
        if kind == "room":
            parts[name] = Rooms(str(rng.choice(ROOM_KINDS)))
        else:
            color = str(rng.choice(COLORS)) if kind == "thing" and rng.random() < 0.5 else ""
            parts[name] = Things(str(rng.choice(CONTAINER_KINDS if kind == "container" else THING_KINDS)), color)
    program: Any = filled(form.pattern, form.parts, parts)
    return program
