"""Evaluation, the suites, the breakdown of failures, statistics, videos and figures."""

from groundling.eval.breakdown import break_down
from groundling.eval.evaluation import Evaluation, Outcome, evaluate
from groundling.eval.publishing import push_to_hub
from groundling.eval.runs import evaluate_run
from groundling.eval.statistics import wilson_interval
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import suite_bank
from groundling.hub import from_hub

__all__ = [
    "Evaluation",
    "Outcome",
    "SuiteReport",
    "break_down",
    "evaluate",
    "evaluate_run",
    "from_hub",
    "push_to_hub",
    "suite_bank",
    "wilson_interval",
]
