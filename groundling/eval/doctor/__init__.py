"""The doctor: checks of a training run, each a small function that says what it saw and what to try.

A check takes a :class:`~groundling.eval.doctor.record.RunRecord` and returns a
:class:`~groundling.eval.doctor.finding.Finding`. One of a user's own is named by its place, ``my_file.py:my_check``.
"""

from __future__ import annotations

from typing import Final

from groundling.eval.doctor.finding import Check
from groundling.registry import Registry

_HERE: Final = "groundling.eval.doctor"
CHECKS: Registry[Check] = Registry(
    "check",
    {
        "kl": f"{_HERE}.policy_updates:kl",
        "clip_fraction": f"{_HERE}.policy_updates:clip_fraction",
        "entropy": f"{_HERE}.policy_updates:entropy",
        "gradients": f"{_HERE}.gradients:gradients",
        "advantages": f"{_HERE}.gradients:advantages",
        "curriculum": f"{_HERE}.tasks:curriculum",
        "throughput": f"{_HERE}.throughput:throughput",
        "reward": f"{_HERE}.rewards:reward",
        "random_return": f"{_HERE}.rewards:random_return",
        "greedy": f"{_HERE}.actions:greedy",
        "actions": f"{_HERE}.actions:actions",
        "value": f"{_HERE}.values:value",
        "controls": f"{_HERE}.controls:controls",
        "frozen_buffer": f"{_HERE}.frozen_buffer:frozen_buffer",
    },
    entry_points="groundling.checks",
)
