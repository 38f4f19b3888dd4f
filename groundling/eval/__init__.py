"""Evaluation, the suites, the breakdown of failures, statistics, videos and figures."""

from groundling.eval.breakdown import break_down
from groundling.eval.evaluation import Evaluation, Outcome, evaluate
from groundling.eval.runs import evaluate_run
from groundling.eval.statistics import wilson_interval
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import suite_bank

__all__ = [
    "Evaluation",
    "Outcome",
    "SuiteReport",
    "break_down",
    "evaluate",
    "evaluate_run",
    "suite_bank",
    "wilson_interval",
]
