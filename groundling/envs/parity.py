"""Parity: the compiled world against MiniGrid's own environment, the same seeds and actions, step by step."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.episode import sample_episodes
from groundling.envs.engine.constants import NUM_ACTIONS, VIEW_SIZE
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.babyai.levels import MiniGridLevel
from groundling.errors import ConfigurationError
from groundling.language.vocabulary import VOCABULARY

Actor = Literal["random", "handling", "bot", "expert"]

ACTION_WEIGHTS: Mapping[str, tuple[float, ...]] = {
    "random": (1.0,) * NUM_ACTIONS,
    "handling": (1.0, 1.0, 3.0, 1.5, 1.0, 1.0, 0.05),  # walks far, and picks up, drops and opens what it meets
}
MAX_BOT_SEARCHES = 200  # of one step; the bot can plan in circles
NOT_TAKEN = -1  # before an episode's first action


@dataclass(frozen=True)
class ParityResult:
    """What a comparison found.

    Attributes:
        level: id of the level.
        actor: who chose the actions.
        episodes: seeds played.
        steps: steps compared.
        successes: episodes that ended in success.
        failures: episodes that ended in failure, by what MiniGrid says.
        finished: successes that bot or expert reached by themselves.
        mismatches: one line for each episode that differed, naming its first difference.
    """

    level: str
    actor: Actor
    episodes: int
    steps: int
    successes: int
    failures: int
    finished: int
    mismatches: tuple[str, ...]


class Planner(Protocol):
    """Chooses actions for a batch of worlds as they are, such as ``agents.bots.Expert``."""

    lost: NDArray[np.bool_]  # [B] where it knows nothing to do, written by actions

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] of every environment."""


class _Player(Protocol):
    """Knows what to do next in several episodes."""

    def next_actions(self, rows: Sequence[int], taken: Sequence[int]) -> dict[int, int]:
        """The next action in those of these episodes that it has not given up; ``taken`` [B] were the last ones."""


def compare_with_minigrid(
    level: str,
    seeds: Sequence[int],
    *,
    actor: Actor = "random",
    make_expert: Callable[[WorldBatch], Planner] | None = None,
    settings: Mapping[str, object] | None = None,
    max_steps: int | None = None,
    noise: float = 0.0,
    action_seed: int = 1,
) -> ParityResult:
    """Play the same seeds with the same actions in both worlds until each episode ends.

    Image, direction, mission, reward, terminated and truncated must be equal after reset and after every step, and
    the tokens of the instruction must read as the mission.

    Args:
        level: id of the level.
        seeds: of the level's generator, each given to a freshly made environment.
        actor: "random" takes all actions alike, "handling" moves and handles objects, "bot" is MiniGrid's bot for
            BabyAI's levels, which plans on MiniGrid's environment, "expert" plans on ours. Where the last two give up,
            the episode goes on with random actions.
        make_expert: makes the expert of our worlds, such as ``agents.bots.Expert``; only "expert" needs it.
        settings: of the level, as :meth:`MiniGridLevel.changed` takes them.
        max_steps: stop an episode after this many steps; None follows it to its end.
        noise: share of random actions among those of bot and expert.
        action_seed: of the random actions.

    Raises:
        ConfigurationError: for the bot on a level that is not BabyAI's, and for an expert that nothing makes.
    """
    source = MiniGridLevel(level)
    if settings:
        source = source.changed(**settings)
    bank = EpisodeBank.pack(source.id, sample_episodes(source, seeds), length=source.instruction_length)
    batch = WorldBatch(bank, len(seeds), shuffle=False)
    batch.reset()
    rng = np.random.default_rng(action_seed)
    weights = np.array(ACTION_WEIGHTS.get(actor, ACTION_WEIGHTS["random"]))
    mismatches: list[str] = []
    steps = successes = failures = finished = 0
    with _silence():
        chosen: dict[str, Any] = dict(source.settings)
        references = [gymnasium.make(level, disable_env_checker=True, **chosen) for _ in seeds]
        running = np.ones(len(seeds), dtype=np.bool_)
        missions: list[str] = []
        for row, (env, seed) in enumerate(zip(references, seeds, strict=True)):
            expected, _ = env.reset(seed=int(seed))
            missions.append(VOCABULARY.decode(batch.observations.instruction[row]))
            different = _different_view(batch, row, expected, missions[row])
            if bank.instruction(row) != expected["mission"]:
                different = "mission"
            if different:
                mismatches.append(f"{level} seed {seed} at reset: {different}")
                running[row] = False
        tokens = batch.observations.instruction.copy()
        player = _player(actor, batch, references, make_expert)
        actions = np.full(len(seeds), NOT_TAKEN)
        while running.any():
            rows = np.flatnonzero(running).tolist()
            planned = player.next_actions(rows, actions.tolist()) if player else {}
            actions = rng.choice(NUM_ACTIONS, size=len(seeds), p=weights / weights.sum())
            is_noise = rng.random(len(seeds)) < noise
            for row, action in planned.items():
                if not is_noise[row]:
                    actions[row] = action
            batch.step(actions, autoreset=False)
            for row in rows:
                expected, *outcome, _ = references[row].step(int(actions[row]))
                different = _different_outcome(batch, row, outcome) or _different_view(
                    batch, row, expected, missions[row]
                )
                if not np.array_equal(batch.observations.instruction[row], tokens[row]):
                    different = "instruction"
                steps += 1
                step = int(batch.state.step_count[row])
                if different:
                    mismatches.append(f"{level} seed {seeds[row]} step {step}: {different}")
                reward, terminated, truncated = float(outcome[0]), bool(outcome[1]), bool(outcome[2])
                successes += terminated and reward > 0
                failures += terminated and reward <= 0
                finished += terminated and reward > 0 and row in planned
                if different or terminated or truncated or step == max_steps:
                    running[row] = False
    return ParityResult(level, actor, len(seeds), steps, successes, failures, finished, tuple(mismatches))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    # MiniGrid's generators print each layout that they reject; Gymnasium warns of ids that have a newer version
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _different_view(batch: WorldBatch, row: int, expected: Mapping[str, Any], mission: str) -> str:
    seen = batch.observations
    if not np.array_equal(seen.image[row].reshape(VIEW_SIZE, VIEW_SIZE, 3), expected["image"]):
        return "image"
    if seen.direction[row] != expected["direction"]:
        return "direction"
    return "" if mission == expected["mission"] else "instruction"


def _different_outcome(batch: WorldBatch, row: int, expected: Sequence[Any]) -> str:
    out = batch.outcomes
    names = ("reward", "terminated", "truncated")
    ours = (out.reward[row], out.terminated[row], out.truncated[row])
    return ", ".join(name for name, own, other in zip(names, ours, expected, strict=True) if own != other)


def _player(
    actor: Actor,
    batch: WorldBatch,
    references: Sequence[gymnasium.Env[Any, Any]],
    make_expert: Callable[[WorldBatch], Planner] | None,
) -> _Player | None:
    """Who plans the actions; nobody plans random ones."""
    if actor == "bot":
        if not hasattr(references[0].unwrapped, "instrs"):
            raise ConfigurationError(f"MiniGrid's bot plays BabyAI's levels only, not {batch.bank.level}")
        return _Bots([env.unwrapped for env in references])
    if actor == "expert":
        if make_expert is None:
            raise ConfigurationError("the expert is made by make_expert, such as groundling.agents.bots.Expert")
        return _Planned(make_expert(batch))
    return None


class _Planned:
    """Takes the actions of an expert of our worlds."""

    def __init__(self, expert: Planner) -> None:
        self._expert = expert
        self._given_up: set[int] = set()

    def next_actions(self, rows: Sequence[int], taken: Sequence[int]) -> dict[int, int]:
        """What it chooses where it was never lost."""
        actions = self._expert.actions().tolist()
        self._given_up.update(np.flatnonzero(self._expert.lost).tolist())
        return {row: actions[row] for row in rows if row not in self._given_up}


class _Bots:
    """MiniGrid's bots, one for each environment."""

    def __init__(self, envs: Sequence[Any]) -> None:
        self._bots = {row: MiniGridBot(env) for row, env in enumerate(envs)}

    def next_actions(self, rows: Sequence[int], taken: Sequence[int]) -> dict[int, int]:
        """What they suggest; who has given up is not asked again."""
        planned = {}
        for row in rows:
            if row not in self._bots:
                continue
            action = self._bots[row].next_action(None if taken[row] == NOT_TAKEN else taken[row])
            if action is None:
                del self._bots[row]
            else:
                planned[row] = action
        return planned


def _babyai_bot(env: Any) -> Any:
    from minigrid.utils.baby_ai_bot import BabyAIBot

    return BabyAIBot(env)


class MiniGridBot:
    """MiniGrid's bot on MiniGrid's environment."""

    def __init__(self, env: Any) -> None:
        self._bot = _babyai_bot(env)
        self._search = self._bot._shortest_path
        self._bot._shortest_path = self._counted_search
        self._searches = 0

    def next_action(self, taken: int | None) -> int | None:
        """What it suggests; None once its plan is done or it has failed."""
        self._searches = 0
        try:
            action = self._bot.replan(taken)
        except Exception:  # whatever goes wrong in a plan: assertions, missing keys, endless recursion
            return None
        return int(action) if self._bot.stack else None

    def _counted_search(self, *args: Any, **kwargs: Any) -> Any:
        self._searches += 1
        if self._searches > MAX_BOT_SEARCHES:
            raise RecursionError("the bot plans in circles")
        return self._search(*args, **kwargs)
