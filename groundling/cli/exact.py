"""Solve an episode exactly: enumerate its states, and print the optimal values and policy; write a map of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from groundling.envs import EpisodeBank
from groundling.errors import ConfigurationError
from groundling.exact import (
    MOST_STATES,
    Mdp,
    TabularConfig,
    enumerate_episode,
    finite_horizon,
    learn,
    policy_iteration,
    q_iteration,
    steps_to_go,
    value_iteration,
)
from groundling.exact.value_map import ValueMap, value_maps

METHODS = {"value": value_iteration, "policy": policy_iteration, "q": q_iteration}


@dataclass
class Command:
    """Solve an episode exactly, by dynamic programming over all states that can be reached in it.

    The maps have two characters a tile: an arrow (go ahead in this direction), P (pick up), D (drop), T (toggle) or !
    (done), for the direction in which it is best to face there, and * where the optimal way goes; there is a map for
    each order of things on the way.

    Attributes:
        task: id of a level or task, or your own, my_file.py:MyTask; the body is the one that walks the grid.
        seed: of the episode.
        gamma: discount of a reward of 1 for success, below 1.
        method: "value" iteration, "policy" iteration or "q" (Q-value iteration); all find the same.
        most_states: episodes with more states are refused.
        figure: file of the figure of the map (PNG); by default TASK-seedN.png in the current folder. "" writes none.
        learn: also learn the same by tabular "q_learning" or "sarsa", and print the error against the exact values.
        episodes: how many --learn plays.
    """

    task: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="TASK")]]
    seed: int = 0
    gamma: float = 0.95
    method: Literal["value", "policy", "q"] = "value"
    most_states: int = MOST_STATES
    figure: str | None = None
    learn: Literal["", "q_learning", "sarsa"] = ""
    episodes: int = 2000

    def run(self) -> None:
        """Enumerate, solve, print, draw."""
        if self.most_states < 1:
            raise ConfigurationError(f"most_states must be at least 1, got {self.most_states}")
        config = None
        if self.learn:
            points = max(1, min(TabularConfig.points, self.episodes))  # of few episodes, one after each
            config = TabularConfig(self.learn, self.episodes, gamma=self.gamma, points=points)
        bank = EpisodeBank.of_seeds(self.task, [self.seed])
        mdp = enumerate_episode(bank, most_states=self.most_states)
        solved = METHODS[self.method](mdp, self.gamma)
        steps, best = int(steps_to_go(mdp)[0]), float(finite_horizon(mdp)[0])
        limit = int(mdp.max_steps[0])
        print(f"{bank.level}, seed {self.seed}: {bank.instruction(0)}")
        print(f"{len(mdp):,} states, {mdp.num_actions} actions, {solved.sweeps} sweeps")
        print(f"V* of the first state {solved.value[0]:.4f} (discount {self.gamma}, 1 for success)")
        way = f"{steps} steps to go" if steps >= 0 else "the goal cannot be reached"
        print(f"{way}; the environment pays at most {best:.4f} in {limit} steps")
        maps = value_maps(mdp, solved.value, solved.actions)
        for number, each in enumerate(maps, start=1):
            print(f"\npart {number} of {len(maps)} of the way" if len(maps) > 1 else "")
            print(each.text())
        if self.figure != "":
            self._draw(mdp, maps, f"{bank.level}, seed {self.seed}: {bank.instruction(0)}")
        if config is not None:
            self._learn(mdp, config)

    def _draw(self, mdp: Mdp, maps: list[ValueMap], title: str) -> None:
        from groundling.eval.figures import png
        from groundling.exact.figure import value_figure
        from groundling.files import written_whole

        name = self.task.rpartition("/")[2].replace(":", "-")
        path = Path(self.figure or f"{name}-seed{self.seed}.png")
        with written_whole(path) as file:
            file.write(png(value_figure(mdp, maps, title)))
        print(f"\nfigure: {path}")

    def _learn(self, mdp: Mdp, config: TabularConfig) -> None:
        found = learn(mdp, config)
        print(f"\n{config.method}: episodes, error of the first state's value, value of the greedy policy")
        for episodes, error, greedy in zip(found.episodes, found.error, found.greedy, strict=True):
            if episodes in found.episodes[::-1][::4]:  # ten lines of forty points, the last one among them
                print(f"{episodes:>8,}  {error:.4f}  {greedy:.4f} of {found.optimal:.4f}")
