"""The vector environment of the tasks in Montezuma's Revenge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from groundling.envs.families.montezuma.game import NOOP, SIZE, Game
from groundling.envs.families.montezuma.tasks import ACTIONS, LONGEST_TEXT, MAX_STEPS, VOCABULARY, Task
from groundling.envs.final_observations import FinalObservations
from groundling.envs.saved_states import check_arrays
from groundling.errors import ActionError, ConfigurationError
from groundling.interfaces import GRAY, TOKENS, Field, Spec
from groundling.seeding import integer, reset_seeds

Arrays = dict[str, NDArray[Any]]
Info = dict[str, Any]

SPEC: Final = Spec(
    {
        "image": Field((SIZE, SIZE), "uint8", GRAY),
        "instruction": Field((LONGEST_TEXT,), "int32", TOKENS, len(VOCABULARY)),
    },
    ACTIONS,
    VOCABULARY,
)
WARMUP: Final = 8  # no-ops at the beginning of every episode
RANDOM_WARMUP: Final = 30  # fewer more than that
MOST_FRAMES: Final = 8


@dataclass(frozen=True)
class Rules:
    """How the game is stepped.

    Attributes:
        frames: the fewest and the most frames of a step; drawn for each step.
        sticky: how likely the action before is repeated in a frame instead of the present one.
        max_steps: of an episode, those of its warm-up included.
        description: the number of the description that is told, from 1 on; 0 draws one for each episode.
    """

    frames: tuple[int, int] = (2, 4)
    sticky: float = 0.25
    max_steps: int = MAX_STEPS
    description: int = 0

    def __post_init__(self) -> None:
        fewest, most = self.frames
        if not 1 <= fewest <= most <= MOST_FRAMES:
            raise ConfigurationError(f"a step is of 1 to {MOST_FRAMES} frames, got {fewest} to {most}")
        if not 0 <= self.sticky < 1:
            raise ConfigurationError(f"sticky is at least 0 and less than 1, got {self.sticky}")
        if self.max_steps <= WARMUP + RANDOM_WARMUP:
            raise ConfigurationError(
                f"max_steps is more than the {WARMUP + RANDOM_WARMUP} steps of the warm-up, got {self.max_steps}"
            )
        if not 0 <= self.description <= 3:
            raise ConfigurationError(f"description is 1, 2 or 3, or 0 for any of them, got {self.description}")


class MontezumaVectorEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]]):
    """A task in Montezuma's Revenge (Atari 2600): from a place in the game to another one, told in a sentence.

    The game is the real one; the state to begin in is rebuilt by writing room and place into its RAM, and the goal is
    read from there.

    ## Observation (``Dict``, B environments)
    - ``image`` [B, 84, 84] uint8: the screen in gray.
    - ``instruction`` [B, 24] int32: token ids of one of three descriptions, 0 = padding.

    ## Action (``Discrete(18)``)
    Those of the joystick: no-op, fire (jump), up, right, left, down, and all that can be pressed together.
    A step is 2 to 4 frames, drawn anew for each; in a quarter of the frames the action before is repeated.

    ## Reward
    1 for the goal, else 0.

    ## End of an episode
    ``terminated`` at the goal or when a life is lost; ``truncated`` after 1,000 steps, which count 8 to 37 no-ops at
    the beginning. Autoreset mode SAME_STEP, ``info`` as ``GroundlingVectorEnv`` has it.

    ## Version history
    v0: first version. Source: Goyal et al. 2019, arXiv:1903.02020, section 5, and github.com/prasoongoyal/rl-learn.
    Goals are theirs, states to begin in are rebuilt, and descriptions are our own; that the jewel was taken is asked
    for, where their code reads the byte that says that it is still there.

    Args:
        task: which one.
        num_envs: B; each is an emulator of its own, one after the other in this process.
        seed: names the episodes where ``reset`` is given no seed.
        rules: how the game is stepped.
        render_mode: None or "rgb_array".
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.

    Raises:
        MissingSimulatorError: if ale-py is not installed.
        ConfigurationError: if num_envs is less than 1.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int,
        *,
        seed: int = 0,
        rules: Rules | None = None,
        render_mode: str | None = None,
        autoreset: bool = True,
    ) -> None:
        if num_envs < 1:
            raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
        if render_mode not in (None, "rgb_array"):
            raise ConfigurationError(f"render_mode is None or 'rgb_array', got {render_mode!r}")
        self.autoreset_mode = AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": ["rgb_array"], "render_fps": 20}
        self.render_mode = render_mode
        self.task, self.rules, self.num_envs, self.autoreset = task, rules or Rules(), num_envs, autoreset
        self.agent_spec = SPEC
        parts: dict[str, spaces.Space[Any]] = {
            "image": spaces.Box(0, 255, (SIZE, SIZE), np.uint8),
            "instruction": spaces.Box(0, len(VOCABULARY) - 1, (LONGEST_TEXT,), np.int32),
        }
        self.single_observation_space = spaces.Dict(parts)
        self.single_action_space = spaces.Discrete(len(ACTIONS))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.games = [Game() for _ in range(num_envs)]
        self._begun_states = warm_states(self.games[0], task, max(self.rules.frames))
        self._seeds = np.array([seed + row for row in range(num_envs)], dtype=np.int64)
        self._episodes = np.zeros(num_envs, dtype=np.int64)  # begun since the seed was set
        self._steps = np.zeros(num_envs, dtype=np.int64)  # of the present episodes, warm-up included
        self._warmups = np.zeros(num_envs, dtype=np.int64)
        self._returns = np.zeros(num_envs)
        self._pressed = np.zeros(num_envs, dtype=np.int64)
        self._lives = np.zeros(num_envs, dtype=np.int64)
        self._told = np.zeros(num_envs, dtype=np.int64)
        self._images = np.zeros((num_envs, SIZE, SIZE), dtype=np.uint8)
        self._chance: list[NDArray[np.float32]] = [np.zeros((0, MOST_FRAMES + 1), np.float32)] * num_envs
        self._tokens = VOCABULARY.encode_all(task.descriptions, length=LONGEST_TEXT)
        self._is_started = False

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sentence of each environment, [B]."""
        return tuple(self.task.descriptions[told] for told in self._told)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, Info]:
        """Begin an episode in every environment.

        Args:
            seed: environment b plays the episodes of ``seed + b``, or of its own of a list; None goes on.
            options: none are known.

        Raises:
            ConfigurationError: if there are not as many seeds as environments.
        """
        seeds = reset_seeds(seed, self.num_envs)
        if seeds is not None:
            self._seeds[:], self._episodes[:] = seeds, 0
        for row in range(self.num_envs):
            self._begin(row)
        self._is_started = True
        return self._observation(), {}

    def step(
        self, actions: ArrayLike
    ) -> tuple[Arrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Act in every environment; see the class.

        Raises:
            ActionError: if the actions are not [B] integers in [0, 18).
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if not self._is_started:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu":
            raise ActionError(f"actions are [{self.num_envs}] integers, got {list(chosen.shape)} {chosen.dtype}")
        if chosen.min() < 0 or chosen.max() >= len(ACTIONS):
            raise ActionError(f"actions are from 0 to {len(ACTIONS) - 1}, got {chosen}")
        success = np.array([self._act(row, int(action)) for row, action in enumerate(chosen)], dtype=np.bool_)
        lost = np.array([game.lives for game in self.games]) < self._lives
        terminated = success | lost
        truncated = ~terminated & (self._steps >= self.rules.max_steps)
        reward = success.astype(np.float64)
        self._returns += reward
        ended = terminated | truncated
        info = self._final_info(ended, success) if ended.any() else {}
        for row in np.flatnonzero(ended).tolist() if self.autoreset else ():
            self._begin(row)
        return self._observation(), reward, terminated, truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """The screens [210, 160, 3] uint8, if ``render_mode="rgb_array"``."""
        return None if self.render_mode is None else tuple(game.screen() for game in self.games)

    def state_dict(self) -> Arrays:
        """A copy of the state of every game, so that a run can be continued exactly."""
        return {
            "games": np.stack([np.frombuffer(game.save(), dtype=np.uint8) for game in self.games]),
            **{name.strip("_"): getattr(self, name).copy() for name in _SAVED},
        }

    def load_state_dict(self, saved: Arrays) -> Arrays:
        """Continue from :meth:`state_dict`; returns the current observations.

        Raises:
            ConfigurationError: if the state is that of another number of environments.
        """
        ours = {name.strip("_"): getattr(self, name) for name in _SAVED}
        most = (0, np.inf)
        descriptions = (0, len(self.task.descriptions) - 1)
        check_arrays(saved, ours, {"steps": most, "seeds": most, "episodes": most, "told": descriptions})
        games, length = saved.get("games"), len(self.games[0].save())
        if games is None or games.dtype != np.uint8 or games.shape != (self.num_envs, length):
            raise ConfigurationError(
                f"the state is not of {self.num_envs} environments with states of {length} bytes: another num_envs, or "
                "another version of the emulator"
            )
        for name in _SAVED:
            getattr(self, name)[...] = saved[name.strip("_")]
        for row, game in enumerate(self.games):
            game.load(np.ascontiguousarray(saved["games"][row]).tobytes())
            self._chance[row] = self._draws(row)[2]
        self._is_started = True
        return self._observation()

    def _draws(self, row: int) -> tuple[int, int, NDArray[np.float32]]:
        """What chance decides of the present episode: its warm-up, its description, and of each step frames and
        repetitions.
        """
        rng = np.random.default_rng(integer(int(self._seeds[row]), "montezuma", int(self._episodes[row])))
        warmup, told = int(rng.integers(RANDOM_WARMUP)), int(rng.integers(len(self.task.descriptions)))
        return warmup, told, rng.random((self.rules.max_steps, MOST_FRAMES + 1), dtype=np.float32)

    def _begin(self, row: int) -> None:
        self._episodes[row] += 1
        warmup, told, self._chance[row] = self._draws(row)
        self.games[row].load(self._begun_states[min(warmup, len(self._begun_states) - 1)])
        self.games[row].act(NOOP)  # its screen is drawn
        self._told[row] = self.rules.description - 1 if self.rules.description else told
        self._steps[row] = self._warmups[row] = WARMUP + warmup
        self._returns[row], self._pressed[row], self._lives[row] = 0, NOOP, self.games[row].lives
        self._images[row] = self.games[row].picture()

    def _act(self, row: int, action: int) -> bool:
        """Step one game; whether its goal is reached, by a player who lost no life."""
        game, chance = self.games[row], self._chance[row][min(self._steps[row], self.rules.max_steps - 1)]
        fewest, most = self.rules.frames
        room = -1
        for frame in range(fewest + int(chance[0] * (most - fewest + 1))):
            room = game.room
            if chance[1 + frame] >= self.rules.sticky:
                self._pressed[row] = action
            game.act(int(self._pressed[row]))
        self._steps[row] += 1
        self._images[row] = game.picture()
        # in the frame in which a room is entered the player still has the place of the other one
        return game.lives >= self._lives[row] and game.room == room and game.solves(self.task)

    def _observation(self) -> Arrays:
        return {"image": self._images.copy(), "instruction": self._tokens[self._told]}

    def _final_info(self, ended: NDArray[np.bool_], success: NDArray[np.bool_]) -> Info:
        lengths = np.where(ended, self._steps - self._warmups, 0)
        episode = {"r": np.where(ended, self._returns, 0), "_r": ended, "l": lengths, "_l": ended}
        told = {"success": success & ended, "_success": ended, "episode": episode, "_episode": ended}
        info = {"final_info": told, "_final_info": ended, "success": success & ended, "_success": ended}
        if self.autoreset:
            info |= {"final_obs": FinalObservations(self._observation(), ended), "_final_obs": ended}
        return info


_SAVED: Final = (*("_seeds", "_episodes", "_steps", "_warmups", "_returns", "_pressed", "_lives", "_told", "_images"),)


def warm_states(game: Game, task: Task, frames: int) -> tuple[bytes, ...]:
    """The states after 8, 9, 10 ... no-ops at a task's beginning, as long as the player stands and lives."""
    game.begin(task.start)
    room, place, lives = game.room, game.place, game.lives
    game.act(NOOP, WARMUP * frames)
    states = [game.save()]
    for _ in range(RANDOM_WARMUP - 1):
        game.act(NOOP, frames)
        if (game.room, game.place, game.lives) != (room, place, lives):
            break
        states.append(game.save())
    return tuple(states)
