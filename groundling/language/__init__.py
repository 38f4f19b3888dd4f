"""What words mean and how they become ids: goals, grammar, paraphrases, vocabulary; PyTorch only in ``.encoders``."""

from groundling.language.goals import (
    After,
    And,
    Clause,
    Color,
    Goal,
    GoTo,
    GoToMatch,
    Instructed,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutIn,
    PutNear,
    PutNextTo,
    Size,
    Step,
    Then,
    UnlockAndGoToGoal,
)
from groundling.language.grammar import parse, render
from groundling.language.lexicon import Lexicon
from groundling.language.own_words import OwnColor, OwnType
from groundling.language.paraphrases import (
    HELD_OUT_PHRASINGS,
    HELD_OUT_SYNONYMS,
    Paraphrase,
    Wording,
    paraphrase,
)
from groundling.language.phrasings import PHRASINGS
from groundling.language.synonyms import SYNONYMS
from groundling.language.vocabulary import VOCABULARY, Vocabulary

__all__ = [
    "HELD_OUT_PHRASINGS",
    "HELD_OUT_SYNONYMS",
    "PHRASINGS",
    "SYNONYMS",
    "VOCABULARY",
    "After",
    "And",
    "Clause",
    "Color",
    "GoTo",
    "GoToMatch",
    "Goal",
    "Instructed",
    "Lexicon",
    "Location",
    "NextTo",
    "ObjectDescription",
    "ObjectType",
    "Open",
    "OwnColor",
    "OwnType",
    "Paraphrase",
    "PickUp",
    "PutIn",
    "PutNear",
    "PutNextTo",
    "Size",
    "Step",
    "Then",
    "UnlockAndGoToGoal",
    "Vocabulary",
    "Wording",
    "paraphrase",
    "parse",
    "render",
]
