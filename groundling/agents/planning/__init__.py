"""Planners: policies that look ahead with an agent in copies of the worlds that it plays in, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from groundling.configuration import refuse_unknown
from groundling.errors import ConfigurationError
from groundling.registry import Registry

if TYPE_CHECKING:
    from groundling.agents.actor_critic import ActorCritic
    from groundling.agents.planning.base import Planner

PLANNERS: Registry[type[Planner]] = Registry(
    "planner", {"mcts": "groundling.agents.planning.mcts:TreeSearch"}, entry_points="groundling.planners"
)
_SETTINGS: Final = "?"  # NAME:BUDGET?SETTING=VALUE&SETTING=VALUE


def make_planner(text: str, agent: ActorCritic) -> Planner:
    """The planner that a text such as ``"mcts:64"`` or ``"mcts:64?prior=uniform&exploration=2"`` names.

    Args:
        text: name, budget of a step, and settings of the planner's ``Config``; a planner of one's own is named by its
            place, ``"my_file.py:MyPlanner:64"``.
        agent: whose policy and value it uses.

    Raises:
        ConfigurationError: if there is no such planner or setting, or a value cannot work.
        ExtensionError: if one's own code cannot be imported.
    """
    head, _, settings = text.partition(_SETTINGS)
    name, colon, budget = head.rpartition(":")
    if not colon or not budget.isdecimal():
        raise ConfigurationError(f"a planner is named with its budget of a step, as in mcts:64; got {text!r}")
    kind = PLANNERS.find(name)
    given = dict(part.partition("=")[::2] for part in settings.split("&") if part)
    # the budget stands in front, and is not to be said twice
    known = {key: type(value) for key, value in vars(kind.Config()).items() if key != kind.budget}
    refuse_unknown(given, known, f"the planner {name}")
    values: dict[str, Any] = {}
    for key, value in given.items():
        try:
            values[key] = known[key](value)
        except ValueError as error:
            raise ConfigurationError(
                f"{key} of the planner {name} is a {known[key].__name__}, not {value!r}"
            ) from error
    return kind(agent, kind.Config(**{kind.budget: int(budget), **values}))
