"""A check of speed: does the machine still give what it gave?"""

from __future__ import annotations

import numpy as np

from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable, reads_logs
from groundling.eval.doctor.record import RunRecord

LIMITS = 0.7, 0.4  # of the best tenth of the run
LEAST_ROWS = 10
MOST_PARTS = 20  # of the run, whose speeds are compared: single updates may differ by what they learn from


@reads_logs
def throughput(run: RunRecord) -> Finding:
    """Is training as fast as this machine has shown to be?

    The run in twenty parts, the speed of each the harmonic mean of its updates (whose frames are as many): the median
    of the last quarter against what the best tenth reached. Updates alone do not compare, where some of them learn from
    many whole episodes and others from none.
    """
    frames, values = run.curve("frames_per_second")
    if len(values) < LEAST_ROWS:
        return not_applicable(f"fewer than {LEAST_ROWS} updates were timed")
    parts = np.array([1 / np.mean(1 / part) for part in np.array_split(values, min(MOST_PARTS, len(values)))])
    best, now = float(np.quantile(parts, 0.9)), float(np.median(parts[-max(1, round(len(parts) / 4)) :]))
    share = now / best
    state = graded(share, yellow=LIMITS[0], red=LIMITS[1])
    return Finding(
        state,
        f"{now:,.0f} frames a second in the last quarter, {best:,.0f} in the best tenth ({share:.0%})",
        ""
        if state is State.GREEN
        else "does something else use the cores, or is memory swapped? longer episodes and larger maps are slower too",
        {"now": now, "best": best, "share": share},
        (Panel("frames a second", {"frames a second": (frames, values)}, marks={"slow": LIMITS[0] * best}),),
    )
