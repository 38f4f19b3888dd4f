"""Measure environment steps a second on this machine, in Groundling and in MiniGrid, in one run."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from groundling.envs.banks.bank_building import available_cores
from groundling.errors import ConfigurationError
from groundling.eval.speed import groundling_speed, minigrid_speed


@dataclass
class Command:
    """Measure the environment's speed.

    Attributes:
        task: id of the environment.
        num_envs: number of parallel environments.
        seconds: length of each measurement in seconds.
    """

    task: str = "BabyAI-GoToLocal-v0"
    num_envs: int = 4096
    seconds: float = 2.0

    def run(self) -> None:
        """Measure and print a table."""
        if self.seconds <= 0:
            raise ConfigurationError(f"seconds must be greater than 0, got {self.seconds}")
        cores = available_cores()
        peer = minigrid_speed(self.task, seconds=self.seconds)
        rows = [("minigrid, one environment", 1, peer)]
        for threads in dict.fromkeys((1, cores)):
            speed = groundling_speed(self.task, num_envs=self.num_envs, num_threads=threads, seconds=self.seconds)
            rows.append((f"groundling, {self.num_envs} environments", threads, speed))
        table = Table(title=f"{escape(self.task)}, random actions, resets and goal checks included")
        for column in ("environment", "cores", "steps a second", "ratio"):
            table.add_column(column, justify="left" if column == "environment" else "right")
        for name, threads, speed in rows:
            table.add_row(name, str(threads), f"{speed:,.0f}", f"{speed / peer:,.0f}")
        Console().print(table)
