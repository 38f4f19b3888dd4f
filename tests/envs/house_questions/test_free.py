from __future__ import annotations

import numpy as np
import pytest
from house_questions.small_stock import STOCK
from language.questions.random_scenes import random_scene

from groundling.envs.families.questions.asking import QUESTION_TYPES
from groundling.language.questions.evaluation import evaluate
from groundling.language.questions.free import draw_freely, entropy, entropy_filter
from groundling.language.questions.wording import question_of, render


def test_entropy_is_in_units_of_as_many_even_answers() -> None:
    assert entropy([3]) == 0
    assert entropy([2, 2]) == pytest.approx(1)
    assert entropy([1, 1, 1, 1]) == pytest.approx(1)
    assert entropy([1, 7]) == pytest.approx(0.5436, abs=1e-4)
    assert entropy([1, 9]) == pytest.approx(0.4690, abs=1e-4)


def test_the_filter_keeps_what_is_asked_often_and_answered_differently() -> None:
    asked = [("a", "yes"), ("a", "no"), ("a", "yes"), ("a", "yes")]  # entropy .81
    asked += [("b", "yes"), ("b", "no"), ("b", "no")]  # asked three times
    asked += [("c", "red")] * 5  # always the same
    asked += [("d", "1")] * 9 + [("d", "2")]  # entropy .47
    asked += [("e", "1")] * 7 + [("e", "2")]  # entropy .54
    kept = entropy_filter(*zip(*asked, strict=True))
    assert {question for (question, _), keep in zip(asked, kept, strict=True) if keep} == {"a", "e"}


def test_free_questions_have_answers_and_lean_to_one_as_balanced_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    asked = []
    for _ in range(150):
        scene = random_scene(rng, num_rooms=3)
        found = draw_freely(rng, scene, QUESTION_TYPES, list(STOCK.rooms["kitchen"]))
        assert found is not None
        name, program, answer = found
        assert question_of(program).type == name
        assert evaluate(program, scene) == answer
        asked.append((render(program), answer.text))
    assert entropy_filter(*zip(*asked, strict=True)).mean() < 0.5
