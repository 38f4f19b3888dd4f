from __future__ import annotations

import numpy as np
import pytest
from language.questions.random_programs import random_program

from groundling.errors import AnswerError, QuestionError
from groundling.language.questions.forms import FORMS, TYPES
from groundling.language.questions.programs import Count, Exist, In, Query, Rooms, Things, Unique
from groundling.language.questions.wording import (
    QUESTION_LENGTH,
    QUESTION_VOCABULARY,
    parse,
    question_of,
    render,
    wordings_of,
)
from groundling.language.questions.words import ANSWERS, answer_number, plural


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_wording_of_every_form_is_read_back(form) -> None:
    rng = np.random.default_rng(0)
    for _ in range(25):
        program = random_program(form, rng)
        assert question_of(program).form == form
        told = [*wordings_of(program), *wordings_of(program, held_out=True)]
        assert len(set(told)) == len(form.wordings) + len(form.held_out)
        for text in told:
            question = parse(text)
            assert question.program == program
            assert question.type == form.type
            assert len(QUESTION_VOCABULARY.encode(text, length=QUESTION_LENGTH)) == QUESTION_LENGTH


def test_every_form_has_four_wordings_for_training_and_one_that_is_held_out() -> None:
    for form in FORMS:
        assert len(form.wordings) >= 4
        assert form.held_out
        assert not set(form.wordings) & set(form.held_out)


def test_words_of_held_out_wordings_are_trained_by_others() -> None:
    trained = {word for form in FORMS for template in form.wordings for word in template.split()}
    words = {word for form in FORMS for template in form.held_out for word in template.split()}
    assert {word for word in words if not word.startswith("{")} <= trained


def test_no_sentence_asks_two_things() -> None:
    rng = np.random.default_rng(1)
    asked: dict[str, object] = {}
    for form in FORMS:
        for _ in range(100):
            program = random_program(form, rng)
            for text in (*wordings_of(program), *wordings_of(program, held_out=True)):
                assert asked.setdefault(text, program) == program


def test_the_issues_types_are_there() -> None:
    assert {"location", "color", "color_room", "preposition", "existence", "logical", "count", "room_count"} <= {*TYPES}
    assert {"room_object_count", "distance", "containment", "compare_color", "compare_size", "state"} <= {*TYPES}


def test_case_spaces_and_the_mark_do_not_matter() -> None:
    program = Query("color", Unique(In(Things("sofa"), Unique(Rooms("living room")))))
    assert render(program) == "what color is the sofa in the living room?"
    assert parse("  What color is   the SOFA in the living room").program == program


def test_a_question_that_cannot_be_read_points_at_the_word() -> None:
    with pytest.raises(QuestionError) as caught:
        parse("what color is the sofe in the kitchen?")
    message, text, mark = str(caught.value).splitlines()
    assert text[mark.index("^") :].startswith("sofe")
    assert "'sofe' is not a word of questions, did you mean 'sofa'" in message


@pytest.mark.parametrize("text", ["", "?", "what color is the", "is there a cup in the sofa?", "go to the red ball"])
def test_what_is_no_question_is_refused(text: str) -> None:
    with pytest.raises(QuestionError, match="cannot read this question: expected"):
        parse(text)


def test_a_program_that_no_form_asks_is_refused() -> None:
    for program in (Exist(Things("cup")), Count(Rooms()), Query("color", Unique(Things("cup", "red")))):
        with pytest.raises(QuestionError, match="no form of question asks"):
            render(program)


def test_answers_are_a_closed_vocabulary_without_spaces() -> None:
    assert len(set(ANSWERS)) == len(ANSWERS)
    assert [answer_number(answer) for answer in ANSWERS] == list(range(len(ANSWERS)))
    assert "living_room" in ANSWERS
    for answer in ("living room", "6", "maybe", ""):
        with pytest.raises(AnswerError, match="is none of the"):
            answer_number(answer)


def test_plurals() -> None:
    assert [plural(kind) for kind in ("shelf", "box", "living room", "study")] == [
        *("shelves", "boxes", "living rooms", "studies")
    ]
