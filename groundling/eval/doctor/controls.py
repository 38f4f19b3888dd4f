"""A check of the controls: is the agent better than what does not see, does not read, or does not think?"""

from __future__ import annotations

from groundling.eval.doctor.finding import Finding, Panel, State, not_applicable, worst
from groundling.eval.doctor.record import RunRecord
from groundling.eval.statistics import difference_interval

WHAT = {
    "random": "the agent is no better than random actions: it has not learned",
    "shuffled": "another instruction makes no difference: the agent does not use its words",
    "no_doc": "without its document it reaches the same: the agent does not read it",
    "blind": "the blind control reaches the same: the agent does not use what it sees",
}
MORE = "so few episodes do not tell them apart: --episodes 1000"
CLOSE = 0.05  # of success


def controls(run: RunRecord) -> Finding:
    """Is the agent better than its controls?

    Success beside that of random actions, of the agent with another episode's instruction or without its document, and
    of the blind control in RUN/blind. Too close is: less than .05 better, as far as so many episodes can tell.
    """
    if run.probes is None:
        return not_applicable("there is no checkpoint yet")
    numbers: dict[str, float] = {}
    state, told, advice, panels = State.GREEN, [], [], []
    for name, probed in run.probes.sampled.items():
        trained = probed.evaluation
        found = run.probes.controls(name)
        numbers |= {f"{name}/trained": trained.success, **{f"{name}/{c}": e.success for c, e in found.items()}}
        told.append(
            f"{name}: trained {trained.success:.2f}, " + ", ".join(f"{c} {e.success:.2f}" for c, e in found.items())
        )
        bars = {"trained": trained, **found}
        panels.append(
            Panel(f"{name}: success", {"success": (list(bars), [e.success for e in bars.values()])}, "bars", "")
        )
        for control, reached in found.items():
            low, _ = difference_interval(reached.successes, reached.episodes, trained.successes, trained.episodes)
            gap = trained.success - reached.success
            if gap >= CLOSE and low > 0:
                continue
            is_red = gap < CLOSE
            state = worst(state, State.RED if is_red else State.YELLOW)
            told_of = WHAT[control] if is_red else MORE
            if told_of not in advice:
                advice.append(told_of)
            told[-1] += f" ({control} too close)" if is_red else f" ({control}: more episodes would tell)"
    return Finding(state, "; ".join(told), "; ".join(advice), numbers, tuple(panels))
