"""Checks of what is paid: reward against success, and what a fixed random policy is paid here and there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable, reads_logs
from groundling.eval.doctor.record import RunRecord
from groundling.eval.rollout import Outcome

PAID_MORE = 0.75, 0.5  # how likely a success was paid more than a failure
TOGETHER = 0.0, -0.5  # rank correlation of paid return and success over the run
LEAST_ROWS = 20
LEAST_CHANGE = 0.05  # of success over the run, for its course to tell anything
TOLERANCE = 4.0  # standard errors
PLAIN = ("environment",)


@reads_logs
def reward(run: RunRecord) -> Finding:
    """Is what is paid what is wanted?

    How likely an episode that succeeded was paid more than one that failed, where the run has rewards beside the
    environment's; and whether return and success rose and fell together (Spearman's correlation over the updates).
    """
    panels, numbers, told = [], {}, []
    state, advice = State.GREEN, ""
    name = "reward/paid_return" if run.names("reward/paid_return") else "return"
    frames, success = run.curve("success")
    paid_frames, paid = run.curve(name)
    if not len(success) or not len(paid):
        return not_applicable("no return or no success was logged yet")
    ranked = run.last("reward/success_is_paid_more")
    if math.isfinite(ranked):
        numbers["success_is_paid_more"] = ranked
        told.append(f"a success was paid more than a failure with probability {ranked:.2f}")
        state = graded(ranked, yellow=PAID_MORE[0], red=PAID_MORE[1])
    common = np.intersect1d(frames, paid_frames)
    ours, theirs = success[np.isin(frames, common)], paid[np.isin(paid_frames, common)]
    if len(common) >= LEAST_ROWS and np.ptp(ours) > LEAST_CHANGE:
        together = _rank_correlation(ours, theirs)
        numbers["together"] = together
        told.append(f"return and success over the run have a rank correlation of {together:.2f}")
        state = min(state, graded(together, yellow=TOGETHER[0], red=TOGETHER[1]), key=_severity)
    panels = [Panel("paid return", {"paid": (paid_frames, paid)}), Panel("success", {"success": (frames, success)})]
    if not told:
        told.append("success has hardly changed yet, so nothing can be said of what is paid")
    if state is not State.GREEN:
        advice = (
            "the policy is paid for something else than success: potential-based terms (--reward distance) change no "
            "optimum; a smaller weight of the other terms; docs/rewards.md"
        )
    return Finding(state, "; ".join(told), advice, numbers, tuple(panels))


def random_return(run: RunRecord) -> Finding:
    """Is a fixed random policy paid the same in training and in evaluation?

    Uniformly random actions have one expected return in a task. Their mean return, that of the episodes that succeeded
    and of those that failed, length and success in environments as the run trains in are compared with those in
    evaluation's; a difference of more than four standard errors says that rewards, time limits or the counting of
    episodes are not the same.
    """
    if run.probes is None:
        return not_applicable("there is no checkpoint yet")
    if run.config.time_share < 1:
        return not_applicable("episodes of training are shorter (--time-share), so returns differ by intention")
    there = run.probes.random(run.probes.first).outcomes
    here = run.probes.random_in_training(len(there))
    numbers: dict[str, float] = {}
    told, state = [], State.GREEN
    for what, read in _READ.items():
        ours, theirs = (np.array([x for x in map(read, group) if x is not None]) for group in (here, there))
        if min(len(ours), len(theirs)) < 2:
            continue
        error = math.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
        # nothing varies where no episode is found: then any difference tells
        apart = abs(ours.mean() - theirs.mean()) / max(error, 1e-9)
        numbers |= {f"training/{what}": float(ours.mean()), f"evaluation/{what}": float(theirs.mean())}
        told.append(f"{what} {ours.mean():.3g} and {theirs.mean():.3g}")
        if apart > TOLERANCE:
            state = State.RED
            told[-1] += f" ({apart:.0f} standard errors apart)"
    advice = (
        "the two are not the same task: is the reward, the time limit or the split of training another one? if nothing "
        "was meant to differ, the environments or the counting of episodes are wrong"
    )
    return Finding(
        state,
        f"random actions in training and in evaluation, {len(there)} episodes each: {', '.join(told)}",
        "" if state is State.GREEN else advice,
        numbers,
    )


_READ: Final[dict[str, Callable[[Outcome], float | None]]] = {
    "return": lambda outcome: outcome.episode_return,
    "return of successes": lambda outcome: outcome.episode_return if outcome.success else None,
    "return of failures": lambda outcome: None if outcome.success else outcome.episode_return,
    "length": lambda outcome: float(outcome.length),
    "success": lambda outcome: float(outcome.success),
}


def _severity(state: State) -> int:
    return (State.RED, State.YELLOW, State.GREEN, State.NONE).index(state)


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's, ties in the middle; 0 where one of them does not vary."""
    ranks = [np.searchsorted(np.sort(a), a, "left") + np.searchsorted(np.sort(a), a, "right") for a in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
