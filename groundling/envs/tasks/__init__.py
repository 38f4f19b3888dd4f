"""The library's own tasks, one file a family; importing this package registers them all."""

from groundling.envs.tasks import (
    carry,
    combinations,
    counting,
    go_to,
    houses,
    location,
    mixed,
    negation,
    open,
    pick_up,
    put_next,
    sequence,
    size,
    unlock,
)

__all__ = [
    "carry",
    "combinations",
    "counting",
    "go_to",
    "houses",
    "location",
    "mixed",
    "negation",
    "open",
    "pick_up",
    "put_next",
    "sequence",
    "size",
    "unlock",
]
