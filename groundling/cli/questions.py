"""Write questions and their houses to a file, or describe such a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundling.envs.catalog import find_family
from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.files import draw_questions, eqa_of, read_file, write_eqa, write_questions
from groundling.errors import ConfigurationError
from groundling.language.questions.episodes import EqaDataset


@dataclass
class Command:
    """Write questions and their houses to a file, or describe such a file.

    Attributes:
        task: id of a question task, groundling/Questions-v0; or a file of questions (.json, .json.gz) to describe.
        episodes: number of episodes.
        output: path of a file in Groundling's format: JSON, which holds the houses too; compressed if it ends in .gz.
        mp3d: path of a file in the format of the MP3D-EQA dataset of habitat-lab (JSON); it has no houses (scans).
        split: split of the questions: train, seen, color_pairs, room_pairs, wordings or compositions.
        seed: random seed of the houses and questions.
    """

    task: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="TASK|FILE")]]
    episodes: int = 100
    output: Path | None = None
    mp3d: Path | None = None
    split: str = "seen"
    seed: int = 0

    def run(self) -> None:
        """Write, or describe."""
        if self.task.endswith((".json", ".json.gz")):
            describe(Path(self.task))
            return
        family = find_family(self.task)
        if not isinstance(family, QuestionFamily):
            raise ConfigurationError(f"{family.id} asks no questions: give a family that does")
        if self.output is None and self.mp3d is None:
            raise ConfigurationError("say where the questions go: --output FILE.json, or --mp3d FILE.json.gz")
        drawn = draw_questions(family.source, family.source.find_split(self.split), self.episodes, self.seed)
        if self.output is not None:
            write_questions(self.output, family.id, drawn)
            describe(self.output)
        if self.mp3d is not None:
            write_eqa(self.mp3d, eqa_of(drawn))
            describe(self.mp3d)


def describe(path: Path) -> None:
    """Read a file and print what it holds."""
    found = read_file(path)
    if isinstance(found, EqaDataset):
        types = Counter(one.question_type for one in found.episodes)
        kind, example = "MP3D-EQA", [(one.question_text, one.answer_text) for one in found.episodes[:1]]
    else:
        types = Counter(one.type for one in found)
        kind, example = "our own format", [(one.question, one.answer) for one in found[:1]]
    print(f"{path}: {sum(types.values())} questions in {kind}")
    for question, answer in example:
        print(f'  "{question}" {answer}')
    for name, count in sorted(types.items()):
        print(f"  {name}: {count}")
