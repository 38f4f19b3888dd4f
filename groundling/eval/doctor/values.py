"""A check of the critic: what it predicts against what episodes brought."""

from __future__ import annotations

import math

import numpy as np

from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable, worst
from groundling.eval.doctor.probes import Decisions
from groundling.eval.doctor.record import RunRecord
from groundling.eval.doctor.rewards import PLAIN
from groundling.training.algorithms import find_algorithm

LIMITS = 0.2, -0.2  # explained variance
SMALL_ERROR = 0.1  # of the largest return: good enough, however little of a small variance is explained
LEAST_SPREAD = 1e-3  # of returns, for their variance to tell anything
SHOWN = 400  # frames of the figure


def value(run: RunRecord) -> Finding:
    """Does the value predict what episodes bring?

    Explained variance of the discounted return that was found behind each frame, by task:
    1 - Var(found - value) / Var(found); 1 is perfect, 0 no better than a constant. Where an agent always succeeds
    returns hardly vary: an error below a tenth of the largest return is as good.
    """
    if run.probes is None:
        return not_applicable("there is no checkpoint yet")
    if tuple(run.config.reward) != PLAIN:
        return not_applicable("the value predicts the run's own rewards, which evaluation does not pay")
    if not find_algorithm(run.config.algorithm).trains_value(run.config):
        return not_applicable(f"{run.algorithm} trains no value")
    numbers: dict[str, float] = {}
    state, told, panels = State.NONE, [], []
    for name, probed in run.probes.sampled.items():
        explained, bias, error = _explained(probed.decisions)
        panels.append(_panel(name, probed.decisions))
        if math.isnan(explained):
            told.append(f"{name}: returns hardly vary")
            continue
        numbers |= {f"{name}/explained_variance": explained, f"{name}/bias": bias, f"{name}/error": error}
        told.append(
            f"{name}: explained variance {explained:.2f}, error {error:.0%} of the largest return, on average "
            f"{abs(bias):.2g} too {'high' if bias > 0 else 'low'}"
        )
        own = State.GREEN if error < SMALL_ERROR else graded(explained, yellow=LIMITS[0], red=LIMITS[1])
        state = worst(state, own)
    advice = "a larger value_coef, a higher learning rate, longer rollouts; gamma near 1 where episodes are long"
    return Finding(state, "; ".join(told), advice if state in (State.YELLOW, State.RED) else "", numbers, tuple(panels))


def _explained(decisions: Decisions) -> tuple[float, float, float]:
    """Explained variance, NaN where returns do not vary; by how much the value is too high; and the root of its mean
    squared error as a share of the largest return.
    """
    value, found = decisions.value, decisions.found
    bias = float((value - found).mean())
    error = float(np.sqrt(np.square(value - found).mean()) / max(np.abs(found).max(), LEAST_SPREAD))
    if found.std() < LEAST_SPREAD:
        return math.nan, bias, error
    return 1 - float((found - value).var() / found.var()), bias, error


def _panel(name: str, decisions: Decisions) -> Panel:
    rows = np.linspace(0, len(decisions.value) - 1, min(SHOWN, len(decisions.value))).astype(int)
    value, found = decisions.value[rows], decisions.found[rows]
    ends = [float(min(value.min(), found.min())), float(max(value.max(), found.max()))]
    return Panel(
        f"{name}: return found against value", {"frames": (value, found), "perfect": (ends, ends)}, "points", "value"
    )
