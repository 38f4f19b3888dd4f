"""Families whose sentences are goals (``groundling.language.goals``): what is held out of them, and their suites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import FACTORS, HeldOut
from groundling.envs.banks.splits import AnySplit, held_out_split, seen_split
from groundling.envs.families.banked import BankFamily, BankSuite
from groundling.envs.families.base import INSTRUCTION
from groundling.envs.worlds.standing import Restated, restated, with_rules_of
from groundling.errors import ConfigurationError, InstructionError, SplitError
from groundling.interfaces import Suite
from groundling.language.goal_parts import verb_of
from groundling.language.goals import clauses
from groundling.language.grammar import parse
from groundling.language.lexicon import Lexicon

VERB: Final = "verb"
CLAUSES: Final = "clauses"
OWN_WORDS: Final = "in own words"  # the group of sentences that a task says and the language does not read
KINDS: Final = (VERB, CLAUSES, INSTRUCTION)


def _factor(name: str, description: str, *, is_usual: bool = False, tells_new_words: bool = False) -> BankSuite:
    return BankSuite(description, name, is_usual, tells_new_words=tells_new_words, sets_reordered_apart=True)


SUITES: Final[Mapping[str, Suite]] = {
    "layout": Suite("unseen room layouts, instructions of the training split", "seen"),
    "combination": _factor("combination", "unseen layouts, held-out color-type combinations", is_usual=True),
    "verb_object": _factor("verb_object", "a verb with an object type that it never had in training"),
    "location": _factor("location", "object types with a location phrase that they never had in training"),
    "length": _factor("length", "more clauses than any training instruction has"),
    "phrasing": _factor("phrasing", "unseen sentence patterns made of training words"),
    "synonym": _factor(
        "synonym", "unseen words; only a pretrained language encoder can know them", tells_new_words=True
    ),
    "distractors": BankSuite("1.5x the number of distractors", "seen", is_usual=False, grows="num_distractors"),
    "size": BankSuite("rooms 1.5x as wide", "seen", is_usual=False, grows="room_size"),
}


class GoalFamily(BankFamily):
    """A source of episodes whose instructions are read as goals."""

    suites = SUITES
    breakdowns = (VERB, CLAUSES)

    def split(self, name: str, held_out: HeldOut | None = None) -> AnySplit:
        """The part of its episodes of this name; "seen" and the factors follow what is held out.

        Raises:
            SplitError: if there is none, or nothing of the kind is held out.
        """
        if held_out is None:
            return super().split(name)
        if name == "seen":
            return seen_split(held_out)
        for factor in FACTORS:
            if factor == name:
                if factor not in held_out.factors:
                    raise SplitError(f"not held out in training (--held-out.factors {factor})")
                return held_out_split(held_out, factor)
        return super().split(name, held_out)

    def restate(self, episode: Episode, sentence: str, manual: Sequence[str] = ()) -> Restated:
        """The episode with another goal; the agent is told its canonical sentence. See :class:`BankFamily`."""
        lexicon = self.source.embodiment.lexicon
        goal = with_rules_of(parse(sentence, lexicon), episode.goal, episode.program)
        limit = episode.max_steps * max(1, len(clauses(goal)))
        return restated(episode, goal, "", lexicon, max_steps=limit)

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """By "verb" (an instruction of several clauses counts under each of its verbs), "clauses" (how many there are)
        or "instruction" (the sentence). What a task says in its own words, which nobody reads, is a group by itself.
        """
        if kind in (VERB, CLAUSES):
            verbs = _verbs(text, self.source.embodiment.lexicon)
            if not verbs:
                return (OWN_WORDS,)
            return tuple(dict.fromkeys(verbs)) if kind == VERB else (str(len(verbs)),)
        if kind == INSTRUCTION:
            return (text,)
        raise ConfigurationError(f"there is no breakdown by {kind!r}: choose among {', '.join(KINDS)}")


@cache
def _verbs(instruction: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The verb of each clause, none if nobody reads it; kept, since all agents play the same episodes."""
    try:
        return tuple(verb_of(clause) for clause in clauses(parse(instruction, lexicon)))
    except InstructionError:
        return ()
