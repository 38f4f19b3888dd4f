"""Rules that tell how a step ends, and whether it reached the goal."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

SUCCESS_KEYS = ("success", "is_success")
UNKNOWN = -1  # of a success that nobody tells
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
RULE = re.compile(r"\s*(?P<name>[\w.\-]+)\s*((?P<sign>==|!=|>=|<=|>|<)\s*(?P<value>.+?)\s*)?$")
RULE_NAMES = ("reward", "return", "length", "terminated", "truncated")


class Rule:
    """A condition on a step: ``NAME``, or ``NAME == VALUE`` with any comparison.

    NAME is reward, return, length (of the episode so far), terminated, truncated, ``info.KEY`` (``info.KEY.INNER``), or
    ``env.ATTRIBUTE`` of the environment without its wrappers (``env.ale.getRAM.43``: functions are called, arrays and
    lists have numbers). A name alone holds where it is true, or above 0. What is not there makes it false.

    Args:
        text: of the rule.

    Raises:
        ValueError: if it is none.
    """

    def __init__(self, text: str) -> None:
        found = RULE.match(text)
        name = found.group("name") if found else ""
        if found is None or not (name in RULE_NAMES or name.startswith(("info.", "env."))):
            raise ValueError(
                "a rule is NAME or NAME==VALUE (also != > >= < <=) with one of {}, info.KEY or env.ATTRIBUTE, "
                "not {!r}".format(", ".join(RULE_NAMES), text)
            )
        self.name = name
        self.path = name.split(".")[1:]
        self.compare = COMPARISONS[found.group("sign")] if found.group("sign") else None
        self.value = plain_value(found.group("value") or "")

    def __call__(self, told: dict[str, Any], info: dict[str, Any], env: Any = None) -> bool:
        """Whether it holds."""
        value: Any = told.get(self.name)
        if self.path:
            value = info if self.name.startswith("info.") else getattr(env, "unwrapped", env)
            for name in self.path:
                try:
                    value = inner_value(value, name)
                except (AttributeError, KeyError, IndexError):
                    return False
        if self.compare is None:
            return bool(value > 0) if isinstance(value, (int, float)) else bool(value)
        if isinstance(self.value, str):
            value = str(value)
        elif hasattr(value, "value"):  # an enumeration
            value = value.value
        return bool(self.compare(value, self.value))


def decide(rules: dict[str, Rule], told: dict[str, Any], info: dict[str, Any], env: Any = None) -> int:
    """Mend by the rules how a step ends (``told["terminated"]``, ``told["truncated"]``); whether it reached the goal,
    1 or 0, or UNKNOWN.
    """
    if (told["terminated"] or told["truncated"]) and "truncated" in rules and rules["truncated"](told, info, env):
        told["terminated"], told["truncated"] = False, True
    elif "terminated" in rules and rules["terminated"](told, info, env):
        told["terminated"], told["truncated"] = True, False
    if not (told["terminated"] or told["truncated"]):
        return UNKNOWN
    if "success" in rules:
        return int(rules["success"](told, info, env))
    key = next((key for key in SUCCESS_KEYS if key in info), None)
    return UNKNOWN if key is None else int(bool(info[key]))


def inner_value(value: Any, name: str) -> Any:
    """What stands in a mapping under this key, in an array or list at this number, or is an attribute.

    Raises:
        AttributeError, KeyError, IndexError: if there is none.
    """
    if isinstance(value, dict):
        return value[name]
    if name.isdigit():
        return value[int(name)] if hasattr(value, "__getitem__") else getattr(value, name)
    found = getattr(value, name)
    return found() if callable(found) else found


def plain_value(text: str) -> Any:
    """A number, True, False or None where a text is one, else the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"True": True, "False": False, "None": None}.get(text, text)
