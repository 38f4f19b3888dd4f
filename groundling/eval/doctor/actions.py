"""Checks of the actions that an agent takes: drawn against likeliest ones, and those that it never takes."""

from __future__ import annotations

import numpy as np

from groundling.eval.doctor.finding import Finding, Panel, State, not_applicable, worst
from groundling.eval.doctor.record import RunRecord
from groundling.eval.statistics import difference_interval

GAP = 0.05, 0.2  # of success, between drawn and likeliest actions
DEAD = 1e-3  # mean probability of an action that an expert takes
NEEDED = 0.02  # share of an expert's actions from which one counts as needed
STUCK = 0.98  # share of one action among all
GOOD = 0.9


def greedy(run: RunRecord) -> Finding:
    """Do likeliest actions reach what drawn ones do?

    Where drawing is much worse the policy is still noisy; where the likeliest actions are much worse it walks in
    circles without its noise.
    """
    if run.probes is None:
        return not_applicable("there is no checkpoint yet")
    numbers: dict[str, float] = {}
    state, told = State.GREEN, []
    for name, probed in run.probes.sampled.items():
        drawn, likeliest = probed.evaluation, run.probes.greedy(name)
        gap = likeliest.success - drawn.success
        low, high = difference_interval(drawn.successes, drawn.episodes, likeliest.successes, likeliest.episodes)
        sure = max(low, -high, 0.0)  # how large the gap is at least
        told.append(f"{name}: drawn {drawn.success:.2f}, likeliest {likeliest.success:.2f}")
        numbers |= {f"{name}/drawn": drawn.success, f"{name}/likeliest": likeliest.success}
        state = worst(state, State.RED if sure > GAP[1] else State.YELLOW if sure > GAP[0] else State.GREEN)
        if sure > GAP[0]:
            told[-1] += " (noisy)" if gap > 0 else " (in circles)"
    advice = (
        ""
        if state is State.GREEN
        else "noisy: evaluate with --greedy, lower entropy_coef, train longer; in circles: give the agent a memory "
        "(--agent.memory gru) or a map, or evaluate with drawn actions"
    )
    return Finding(state, "; ".join(told), advice, numbers)


def actions(run: RunRecord) -> Finding:
    """Are there dead actions, or one that is always taken?

    Shares of the actions beside those of an expert, where somebody knows the way. A dead action is one that the expert
    needs and the agent practically never takes; a policy has one mode where it does the same whatever it sees.
    """
    if run.probes is None:
        return not_applicable("there is no checkpoint yet")
    numbers: dict[str, float] = {}
    probes, state, told, advice = run.probes, State.GREEN, [], ""
    panels = []
    names = probes.agent.spec.actions
    for name, probed in probes.sampled.items():
        mean = probed.decisions.probabilities.mean(axis=0)
        taken = np.bincount(probed.decisions.action, minlength=len(names)) / len(probed.decisions.action)
        series = {"agent": (names, taken.tolist())}
        success = probed.evaluation.success
        numbers |= {f"{name}/{action}": float(share) for action, share in zip(names, taken, strict=True)}
        often = int(taken.argmax())
        if taken[often] > STUCK and success < GOOD:
            state = State.RED
            told.append(f"{name}: {taken[often]:.0%} of all actions are {names[often]!r}, success {success:.2f}")
            advice = (
                "the policy has one mode: a larger entropy_coef, a smaller learning rate, begin anew or from imitation"
            )
        expert = probes.expert_actions(name)
        if expert is not None:
            needed = expert / max(1, expert.sum())
            series["expert"] = (names, needed.tolist())
            dead = [a for a, share in enumerate(needed) if share > NEEDED and mean[a] < min(DEAD, share / 20)]
            if dead and success < GOOD:
                state = State.RED
                told.append(
                    f"{name}: " + ", ".join(f"{names[a]!r} {mean[a]:.1e} (expert {needed[a]:.0%})" for a in dead)
                )
                advice = advice or "dead actions: a larger entropy_coef, or an expert's share (--algorithm dagger)"
        panels.append(Panel(f"{name}: share of each action", series, kind="bars", x_label=""))
        if not told or not told[-1].startswith(name):
            used = int((taken > DEAD).sum())
            told.append(f"{name}: {used} of {len(names)} actions are taken, the most frequent {taken[often]:.0%}")
    return Finding(state, "; ".join(told), advice, numbers, tuple(panels))
