"""Evaluation, the split report, statistics, videos and figures."""

from groundling.eval.evaluation import Evaluation, evaluate
from groundling.eval.generalization import GeneralizationReport, evaluate_run
from groundling.eval.statistics import wilson_interval

__all__ = ["Evaluation", "GeneralizationReport", "evaluate", "evaluate_run", "wilson_interval"]
