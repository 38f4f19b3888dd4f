"""A check of speed: does the machine still give what it gave?"""

from __future__ import annotations

import numpy as np

from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable, reads_logs
from groundling.eval.doctor.record import RunRecord

LIMITS = 0.7, 0.4  # of the best tenth of the run
LEAST_ROWS = 10


@reads_logs
def throughput(run: RunRecord) -> Finding:
    """Is training as fast as this machine has shown to be?

    The median of the last quarter of the updates against the speed that a tenth of all updates reached.
    """
    frames, values = run.curve("frames_per_second")
    if len(values) < LEAST_ROWS:
        return not_applicable(f"fewer than {LEAST_ROWS} updates were timed")
    best, now = float(np.quantile(values, 0.9)), run.last("frames_per_second")
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
