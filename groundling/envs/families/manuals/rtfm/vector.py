"""The vector environment of RTFM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_STATES
from groundling.envs.families.manuals.rtfm.batch import ManualBatch
from groundling.envs.families.manuals.rtfm.drawing import draw
from groundling.envs.families.manuals.rtfm.judging import asked_ending
from groundling.envs.families.manuals.rtfm.names import ACTIONS, MAX_STEPS, NUM_SYMBOLS, Variant
from groundling.envs.families.manuals.rtfm.state import empty_seen
from groundling.envs.families.manuals.rtfm.wording import WORDS, Wording
from groundling.envs.final_observations import FinalObservations
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, CATEGORY, DOCUMENT, SYMBOLS, TOKENS, Field, Spec

Info = dict[str, Any]
Arrays = dict[str, NDArray[Any]]

_SHAPES = {name: array.shape[1:] for name, array in empty_seen(1)._asdict().items()}
SPEC = Spec(
    {
        "image": Field(_SHAPES["image"], "uint8", SYMBOLS, len(WORDS), sizes=(NUM_SYMBOLS, NUM_SYMBOLS, NUM_STATES)),
        "manual": Field(_SHAPES["manual"], "int32", DOCUMENT, len(WORDS)),
        "instruction": Field(_SHAPES["instruction"], "int32", TOKENS, len(WORDS)),
        "carried": Field((), "int64", CATEGORY, len(WORDS)),
        "valid": Field(_SHAPES["valid"], "bool", ACTION_MASK),
    },
    ACTIONS,
    WORDS,
)


def observation_space() -> spaces.Dict:
    """The space of a single observation."""
    highest = np.full(_SHAPES["image"], NUM_SYMBOLS - 1, dtype=np.uint8)
    highest[..., 2] = NUM_STATES - 1
    return spaces.Dict(
        image=spaces.Box(np.zeros_like(highest), highest, dtype=np.uint8),
        manual=spaces.Box(0, len(WORDS) - 1, _SHAPES["manual"], np.int32),
        instruction=spaces.Box(0, len(WORDS) - 1, _SHAPES["instruction"], np.int32),
        carried=spaces.Discrete(len(WORDS)),
        valid=spaces.MultiBinary(len(ACTIONS)),
    )


class RTFMVectorEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]]):
    """Many agents at once, each in a room with two monsters and two items, with a goal and a manual.

    The goal names a team. The manual says which monsters are in it, and which modifier of an item beats which element
    of a monster. To win is to walk into (or be walked into by) the monster of that team while carrying the item that
    beats its element; any other meeting with a monster is lost.

    ## Observation (``Dict``, B environments)
    - ``image`` [B, 10, 10, 3] uint8: row, column; token ids of the words for what is in a cell: (kind of monster, type
      of item, floor, wall or you; element or modifier; 0). A room of 6x6 is at the upper left, all else is 0. Items lie
      under monsters.
    - ``manual`` [B, 10, 18] int32: token ids of its sentences, 0 = padding; the same throughout an episode.
    - ``instruction`` [B, 12] int32: token ids of the goal.
    - ``carried`` [B] int64: token id of the modifier of the carried item, 0 for none.
    - ``valid`` [B, 5] bool: False for walking into a wall, which does nothing; a mask of actions, by which agents take
      no such action.

    ## Action (``Discrete(5)``)
    0 stay, 1 up, 2 down, 3 left, 4 right. Walking onto an item takes it and destroys the one that was carried.

    ## Reward
    +1 for winning, -1 for any other end, the time limit included; otherwise -0.02 a step.

    ## End of an episode
    ``terminated`` when the agent or a monster dies; ``truncated`` after ``max_steps`` steps: 100, as in the
    original's test of the full game (its other rooms have 1,000, SILG's 80). Autoreset mode SAME_STEP,
    ``info`` as ``GroundlingVectorEnv`` has it.

    ## Version history
    v0: first version. Source: Zhong et al. 2020, arXiv:1910.08210; sentences, split and sizes of arrays are our own.

    Args:
        variant: which rooms and names.
        num_envs: B.
        part: of the assignments of dynamics: "train", "validation", "unseen" or "all".
        wording: of the sentences.
        seed: names the episodes where ``reset`` is given no seed.
        max_steps: of an episode.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        render_mode: None or "rgb_array".
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1, or the render mode is unknown.
    """

    def __init__(
        self,
        variant: Variant,
        num_envs: int,
        *,
        part: str,
        wording: Wording,
        seed: int = 0,
        max_steps: int = MAX_STEPS,
        copy: bool = True,
        render_mode: str | None = None,
        autoreset: bool = True,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ConfigurationError(f"render_mode is None or 'rgb_array', got {render_mode!r}")
        self.autoreset_mode = AutoresetMode.SAME_STEP if autoreset else AutoresetMode.DISABLED
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": ["rgb_array"], "render_fps": 4}
        self.render_mode = render_mode
        self.batch = ManualBatch(variant, num_envs, part=part, wording=wording, seed=seed, max_steps=max_steps)
        self.num_envs = num_envs
        self.copy = copy
        self.autoreset = autoreset
        self._started = False
        self.agent_spec = SPEC
        self.single_observation_space = observation_space()
        self.single_action_space = spaces.Discrete(len(ACTIONS))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def instructions(self) -> tuple[str, ...]:
        """The goal of each environment, [B]."""
        return tuple(map(self.batch.goal, range(self.num_envs)))

    @property
    def manuals(self) -> tuple[tuple[str, ...], ...]:
        """The sentences of the manual of each environment, [B]."""
        return tuple(map(self.batch.manual, range(self.num_envs)))

    @property
    def endings(self) -> NDArray[np.int64]:
        """The item and the monster that the last episode of each environment ended with, [B]; see ``Worlds.ending``."""
        return self.batch.worlds.ending

    def endings_asked(self, documents: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Those that manuals [R, S, L] ask for in the present episodes of environments [R]; -1 where for none."""
        return asked_ending(self.batch.worlds, documents, rows)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, Info]:
        """Begin an episode in every environment.

        Args:
            seed: environment b plays the episodes of ``seed + b``, or of its own of a list; None goes on.
            options: ``{"reset_mask": [B] bool}`` resets only these environments.

        Raises:
            ConfigurationError: if there are not as many seeds as environments, the mask is not [B] bool, or it comes
                with a seed.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            if np.shape(mask) != (self.num_envs,) or np.asarray(mask).dtype != np.bool_:
                raise ConfigurationError(f"options['reset_mask'] must be a bool array of shape ({self.num_envs},)")
            if seed is not None:
                raise ConfigurationError("a seed begins the episodes of all environments anew: give no reset_mask")
        if isinstance(seed, Sequence):
            seeds = [one for one in seed if one is not None]
            if len(seeds) != self.num_envs or len(seeds) != len(seed):
                raise ConfigurationError(f"{self.num_envs} environments need as many seeds, all integers, or one")
            self.batch.restart(seeds)
        elif seed is not None:
            self.batch.restart([seed + row for row in range(self.num_envs)])
        else:
            self.batch.reset(np.asarray(mask) if self._started and mask is not None else None)
        self._started = True
        return self.batch.observation(fresh=self.copy), {}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Arrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """Step every environment; where an episode ends the next one begins in the same step.

        Args:
            actions: [B] integers in [0, 5).

        Returns:
            observations, reward [B] float64, terminated [B] bool, truncated [B] bool, info.

        Raises:
            ActionError: if the actions have another shape, type or range; nothing is stepped then.
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if not self._started:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        self.batch.step(actions, autoreset=self.autoreset, fresh=self.copy)
        out = self.batch.outcomes
        info = self._final_info() if out.ended.any() else {}
        return self.batch.observation(fresh=self.copy), out.reward, out.terminated, out.truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Pictures [H, W, 3] uint8 of every room from above, if ``render_mode="rgb_array"``."""
        if self.render_mode is None:
            return None
        size = self.batch.variant.size
        return tuple(draw(image[:size, :size]) for image in self.batch.seen.image)

    def state_dict(self) -> Arrays:
        """A copy of the state of every world, so that a run can be continued exactly."""
        return self.batch.state_dict()

    def load_state_dict(self, saved: Arrays) -> Arrays:
        """Continue from :meth:`state_dict`; returns the current observations.

        Raises:
            ConfigurationError: if the state is that of another task or number of environments.
        """
        self.batch.load_state_dict(saved)
        self._started = True
        return self.batch.observation(fresh=self.copy)

    def _final_info(self) -> Info:
        """What the info of a step in which episodes ended tells of them."""
        out = self.batch.outcomes
        ended = out.ended
        episode = {"r": out.episode_return, "_r": ended, "l": out.episode_length, "_l": ended}
        told: Info = {"success": out.success, "_success": ended, "episode": episode, "_episode": ended}
        info = {"final_info": told, "_final_info": ended, "success": out.success, "_success": ended}
        if self.autoreset:
            info |= {"final_obs": FinalObservations(self.batch.last._asdict(), ended), "_final_obs": ended}
        return info
