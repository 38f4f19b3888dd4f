"""Training curves as a figure: the mean over seeds and its interval, a panel for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from groundling.eval.curves import Curve, axis_limits

PANEL_INCHES = (5.0, 3.6)


def curve_figure(panels: Mapping[str, Sequence[Curve]]) -> Figure:
    """Curves by metric, side by side.

    Args:
        panels: at least one metric; its curves.
    """
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(panels), height), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (metric, curves) in zip(axes, panels.items(), strict=True):
        for curve in curves:
            seeds = f" ({curve.runs} seeds)" if curve.runs > 1 else ""
            (line,) = axis.plot(curve.frames, curve.mean, label=f"{curve.name}{seeds}")
            if curve.runs > 1:
                axis.fill_between(curve.frames, curve.low, curve.high, color=line.get_color(), alpha=0.2, lw=0)
        axis.set_title(metric)
        axis.set_xlabel("frames")
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.grid(alpha=0.3)
        if curves:
            low, high = axis_limits(metric, curves)
            margin = 0.03 * (high - low)
            axis.set_ylim(low - margin, high + margin)
            has_band = any(curve.runs > 1 for curve in curves)
            axis.legend(fontsize=8, title="mean and its 95 % interval" if has_band else None, title_fontsize=8)
    return figure
