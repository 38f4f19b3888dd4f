"""What words mean and how they become ids: goals, grammar, vocabulary. Encoders (PyTorch) are in ``.encoders``."""

from groundling.language.goals import (
    Color,
    Goal,
    GoTo,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNextTo,
)
from groundling.language.grammar import parse, render
from groundling.language.vocabulary import BABYAI_VOCABULARY, Vocabulary

__all__ = [
    "BABYAI_VOCABULARY",
    "Color",
    "GoTo",
    "Goal",
    "Location",
    "ObjectDescription",
    "ObjectType",
    "Open",
    "PickUp",
    "PutNextTo",
    "Vocabulary",
    "parse",
    "render",
]
