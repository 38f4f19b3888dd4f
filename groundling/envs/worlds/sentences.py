"""Checks of what a task says in its own words: sentences and manuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundling.language.vocabulary import split_words

if TYPE_CHECKING:
    from groundling.envs.worlds.builder import WorldBuilder


def check_words(world: WorldBuilder, sentence: str) -> None:
    """Refuse a sentence with words that nobody knows, or which is none.

    Raises:
        TaskError: naming it.
    """
    known = world.task.lexicon.vocabulary
    unknown = [word for word in split_words(sentence) if word not in known]
    if unknown:
        raise world.error(
            f"the sentence {sentence!r} has words that the task does not know: {', '.join(unknown)}. Name it in "
            f"the class, sentences = ({sentence!r}, ...), or its words"
        )
    if not split_words(sentence) or "\n" in sentence:
        raise world.error(f"a sentence is words on one line, not {sentence!r}")


def check_manual(world: WorldBuilder, manual: Sequence[str]) -> None:
    """Refuse a manual for which the task has no space: it is never cut off.

    Raises:
        TaskError: naming the sentence that does not fit, or has unknown words.
    """
    task = world.task
    for number, sentence in enumerate(manual, start=1):
        if not isinstance(sentence, str):
            raise world.error(f"a manual is a list of sentences, {sentence!r} is none")
        check_words(world, sentence)
        if number > task.max_manual_sentences:
            raise world.error(
                f"the manual has {len(manual)} sentences, and the task has space for {task.max_manual_sentences}: "
                f"{sentence!r} does not fit. Set max_manual_sentences = {len(manual)} in the class"
            )
        count = len(split_words(sentence))
        if count > task.max_manual_words:
            raise world.error(
                f"{sentence!r} of the manual has {count} words, and the task has space for {task.max_manual_words}: "
                f"set max_manual_words = {count} in the class"
            )
