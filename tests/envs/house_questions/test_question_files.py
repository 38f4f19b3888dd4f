from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from house_questions.own_questions import Questions

from groundling.cli import main
from groundling.envs.families.questions.files import draw_questions, episode_of, read_file, write_questions
from groundling.errors import ConfigurationError, QuestionFileError
from groundling.language.questions.episodes import EqaDataset
from groundling.language.questions.evaluation import evaluate
from groundling.language.questions.wording import parse

TASK = f"{Path(__file__).parent / 'own_questions.py'}:Questions"


def test_questions_are_written_with_houses_in_which_the_answer_holds(tmp_path: Path) -> None:
    source = Questions().source
    drawn = draw_questions(source, source.find_split("seen"), 12, 0)
    path = tmp_path / "questions.json.gz"
    write_questions(path, source.id, drawn)
    found = read_file(path)
    assert found == [episode_of(seed, one) for seed, one in drawn]
    for one in found:
        assert evaluate(parse(one.question).program, one.scene).text == one.answer
    assert json.loads(gzip.decompress(path.read_bytes()))["task"] == "own/Questions-v0"
    with pytest.raises(ConfigurationError, match="at least one question"):
        draw_questions(source, source.find_split("seen"), 0, 0)


def test_the_command_writes_both_formats_and_describes_files(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    own, mp3d = tmp_path / "own.json", tmp_path / "mp3d.json"
    assert main(["questions", TASK, "--episodes", "5", "--output", str(own), "--mp3d", str(mp3d)]) == 0
    out = capsys.readouterr().out
    assert "own.json: 5 questions in our own format" in out
    assert "mp3d.json: 5 questions in MP3D-EQA" in out
    dataset = read_file(mp3d)
    assert isinstance(dataset, EqaDataset)
    assert [one.question_text for one in dataset.episodes] == [one.question for one in read_file(own)]
    assert main(["questions", str(own)]) == 0
    assert "5 questions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no file"),
        (b"", "is no whole file"),
        (b"{", "is no whole file"),
        (b"\x1f\x8bnothing", "is no whole file"),
        (b"[]", "no file of questions"),
        (b'{"format": "groundling questions", "version": 9}', "of version 9"),
        (b'{"answer_vocab": {"word_list": []}, "episodes": []}', "has no 'question_vocab'"),
    ],
)
def test_files_that_cannot_be_trusted_are_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(QuestionFileError, match=why):
        read_file(path)
    assert main(["questions", str(path)]) == 2


def test_other_tasks_and_no_output_are_refused(capsys: pytest.CaptureFixture) -> None:
    assert main(["questions", "BabyAI-GoToLocal-v0", "--output", "x.json"]) == 2
    assert "asks no questions" in capsys.readouterr().err
    assert main(["questions", TASK]) == 2
    assert "say where the questions go" in capsys.readouterr().err
