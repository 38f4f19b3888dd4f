"""Questions as EQA has them, for comparison: drawn freely on houses that are there already, then filtered by entropy.

Source: Das et al. 2018, arXiv:1711.11543, and the filter of its code (github.com/facebookresearch/EmbodiedQA).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.errors import AmbiguousQuestionError
from groundling.language.questions.evaluation import Answer, evaluate
from groundling.language.questions.forms import FORMS
from groundling.language.questions.programs import Part, Program, Rooms, Things, filled
from groundling.language.questions.scene import Scene

LEAST_ENTROPY: Final = 0.5
LEAST_ASKED: Final = 4
DRAWS: Final = 200


def draw_freely(
    rng: np.random.Generator, scene: Scene, types: Sequence[str], kinds: Sequence[str]
) -> tuple[str, Program, Answer] | None:
    """A question that has one clear answer in a house: its type, program and answer; None if many draws find none.

    Args:
        rng: the draws.
        scene: the house.
        types: of questions, each as likely.
        kinds: of things that may be asked for whether they are there or not; others are taken from the house.
    """
    rooms = sorted({room.kind for room in scene.rooms})
    containers = sorted({thing.kind for thing in scene.things if thing.is_open is not None})
    choices: dict[str, Sequence[str]] = {
        "room": rooms,
        "container": containers,
        "thing": sorted({thing.kind for thing in scene.things} | set(kinds)),
        "kind": sorted({thing.kind for thing in scene.things}),
    }
    colors = sorted({thing.color for thing in scene.things})
    for _ in range(DRAWS):
        name = types[int(rng.integers(len(types)))]
        forms = [form for form in FORMS if form.type == name]
        form = forms[int(rng.integers(len(forms)))]
        if not all(choices[kind] for _, kind in form.slots):
            continue
        parts: dict[str, Part] = {}
        for slot, kind in form.slots:
            chosen = choices[kind][int(rng.integers(len(choices[kind])))]
            has_color = kind == "thing" and name in ("compare_size", "location") and rng.random() < 0.5
            color = colors[int(rng.integers(len(colors)))] if has_color else ""
            parts[slot] = Rooms(chosen) if kind == "room" else Things(chosen, color)
        program: Any = filled(form.pattern, form.parts, parts)
        try:
            return name, program, evaluate(program, scene)
        except AmbiguousQuestionError:
            continue
    return None


def entropy(counts: Sequence[int]) -> float:
    """Of answers given so often, by logarithms to the base of how many answers there are: 0 to 1; 0 of one answer."""
    if len(counts) < 2:
        return 0.0
    shares = [count / sum(counts) for count in counts]
    return -sum(share * math.log(share, len(counts)) for share in shares)


def entropy_filter(questions: Sequence[str], answers: Sequence[str]) -> NDArray[np.bool_]:
    """Which of some questions [N] EQA keeps: those asked 4 times or more whose answers have an entropy of .5 or more.

    Args:
        questions: the sentences, one for each house in which it is asked.
        answers: as many.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for question, answer in zip(questions, answers, strict=True):
        counts[question][answer] += 1
    kept = {
        question
        for question, found in counts.items()
        if sum(found.values()) >= LEAST_ASKED and entropy(list(found.values())) >= LEAST_ENTROPY
    }
    return np.array([question in kept for question in questions], dtype=np.bool_)
