"""Evaluation, the suites, statistics, videos and figures."""

from groundling.eval.evaluation import Evaluation, evaluate
from groundling.eval.statistics import wilson_interval
from groundling.eval.suites import SUITES, SuiteReport, evaluate_run, suite_bank

__all__ = ["SUITES", "Evaluation", "SuiteReport", "evaluate", "evaluate_run", "suite_bank", "wilson_interval"]
