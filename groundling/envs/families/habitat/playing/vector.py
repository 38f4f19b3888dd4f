"""The episodes of a file as one vector environment: bodies and cameras are Habitat's, the rules are ours."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from groundling.envs.engine.answers import MASK_KEY
from groundling.envs.engine.constants import NUM_ACTIONS, Action
from groundling.envs.engine.rover import Rover
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.playing import rules
from groundling.envs.families.habitat.playing.asked import Asked, AskedFile, Place, scene_objects
from groundling.envs.families.habitat.settings import HabitatSettings
from groundling.envs.families.habitat.view import observed, simulator_settings
from groundling.envs.final_observations import FinalObservations
from groundling.envs.first_person import Camera
from groundling.envs.simulators.errors import EngineRestartError
from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.envs.simulators.habitat.habitat_worker.settings import Placement
from groundling.envs.simulators.habitat.pool import Call, HabitatPool, SceneError
from groundling.envs.simulators.vector import space_of
from groundling.errors import ActionError, ConfigurationError
from groundling.interfaces import Spec

Arrays = dict[str, NDArray[Any]]

MOVES: Final = {Action.LEFT: facts.LEFT, Action.RIGHT: facts.RIGHT, Action.FORWARD: facts.FORWARD}
TRIES: Final = 3
COMPASS_KEY: Final = "compass"  # of observations: where the goal is, of tasks that tell it
_log = logging.getLogger(__name__)


class Body:
    """What is known of one environment: its episode, where its agent and the objects are, what it carries."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.position: Any = asked.position
        self.rotation: Any = asked.rotation
        self.places: dict[str, Place] = {own.key: own.placement.position for own in asked.movables}
        self.placements: dict[str, Placement] = {own.key: own.placement for own in asked.movables}
        self.carried: str | None = None
        self.steps = 0
        self.has_scene = False
        self.seen: Arrays = {}


class HabitatEpisodesEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]]):
    """B agents of ours in the episodes of a file; autoreset mode SAME_STEP.

    Actions are the rover's seven, and an answer each where questions are asked. "done" ends an episode of navigation;
    an answer ends a question's; a rearrangement ends when everything is in its place. The reward is 1 for success,
    nothing before it and otherwise.

    Args:
        file: the episodes.
        num_envs: B, each in a process of its own.
        spec: of an agent.
        rover: the body.
        camera: what it sees with.
        settings: how Habitat is run.
        solids: of each type code of the things of the export, what it is drawn as.
        seed: of the order of the episodes.
        shuffle: draw them at random; otherwise environment i plays i, i + B, ...

    Attributes:
        bodies: what is known of each environment.
        pool: the simulators.
        instructions: what each agent is told now.
    """

    def __init__(
        self,
        file: AskedFile,
        num_envs: int,
        spec: Spec,
        *,
        rover: Rover,
        camera: Camera,
        settings: HabitatSettings,
        solids: Any,
        text_key: str,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        if num_envs < 1:
            raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
        self.autoreset_mode = AutoresetMode.SAME_STEP
        self.metadata = {"autoreset_mode": self.autoreset_mode}
        self.num_envs, self.file, self.agent_spec = num_envs, file, spec
        self.rover, self.camera = rover, camera
        self._solids, self._text_key, self._seed, self._shuffle = solids, text_key, seed, shuffle
        self.single_observation_space = spaces.Dict({key: space_of(part) for key, part in spec.observation.items()})
        self.single_action_space = spaces.Discrete(spec.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.instructions = [""] * num_envs
        self.episode_rows = np.zeros(num_envs, dtype=np.int64)
        self._begun = np.zeros(num_envs, dtype=np.int64)
        self.bodies = [Body(file.episodes[0]) for _ in range(num_envs)]
        self.pool = HabitatPool(
            simulator_settings(camera, rover, settings.gpu),
            num_envs,
            python=settings.python or None,
            max_scenes=settings.scenes,
        )

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode in every environment.

        Args:
            seed: begins the order anew; None goes on with it.
            options: none are known.
        """
        if isinstance(seed, list):
            raise ConfigurationError("the environments share one order: give one integer as the seed")
        if seed is not None:
            self._seed, self._begun[:] = seed, 0
        self._begin(range(self.num_envs))
        return self._observation(), {}

    def step(
        self, actions: ArrayLike
    ) -> tuple[Arrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Act in every environment; where an episode ends the next one begins.

        Raises:
            ActionError: if the actions are not [B] integers in [0, A).
        """
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu":
            raise ActionError(f"actions are [{self.num_envs}] integers, got {list(chosen.shape)} {chosen.dtype}")
        if chosen.min() < 0 or chosen.max() >= self.agent_spec.num_actions:
            raise ActionError(f"actions are from 0 to {self.agent_spec.num_actions - 1}, got {chosen}")
        self._move(chosen)
        success = np.zeros(self.num_envs, dtype=np.bool_)
        terminated, truncated = success.copy(), success.copy()
        for b, body in enumerate(self.bodies):
            body.steps += 1
            verdict = self._judge(b, int(chosen[b])) if body.has_scene else None
            success[b], terminated[b] = bool(verdict), verdict is not None
            truncated[b] = not terminated[b] and (body.steps >= body.asked.max_steps or not body.has_scene)
        ended = terminated | truncated
        reward = success.astype(np.float64)
        info: dict[str, Any] = {}
        if ended.any():
            lengths = np.array([body.steps for body in self.bodies])
            episode = {"r": np.where(ended, reward, 0.0), "l": np.where(ended, lengths, 0)}
            told = {"success": success, "episode": episode, **dict.fromkeys(("_success", "_episode"), ended)}
            info = {
                "final_obs": FinalObservations(self._observation(), ended),
                "final_info": told,
                **dict.fromkeys(("_final_obs", "_final_info"), ended),
            }
            self._begin(np.flatnonzero(ended).tolist())
        return self._observation(), reward, terminated, truncated, info

    def ask(self, calls: Mapping[int, Sequence[Call]]) -> dict[int, list[Any]]:
        """Make calls in some simulators; an environment whose worker dies has no scene until it begins anew."""
        found, died = self.pool.do({b: own for b, own in calls.items() if own and self.bodies[b].has_scene})
        for b, error in died.items():
            _log.warning("environment %d is cut off: %s", b, error)
            self.bodies[b].has_scene = False
        return found

    def close_extras(self, **kwargs: Any) -> None:
        """End the simulators."""
        self.pool.close()

    def _begin(self, rows: Sequence[int]) -> None:
        """Begin the next episode of these environments.

        Raises:
            SceneError: if a scene lacks something, the start is off the floor, or a goal cannot be reached.
        """
        count = len(self.file.episodes)
        for b in rows:
            number = rules.order_of(count, self._seed, b, int(self._begun[b]), self.num_envs, self._shuffle)
            self._begun[b] += 1
            self.episode_rows[b] = number
            self.bodies[b] = Body(self.file.episodes[number])
            self.instructions[b] = self.bodies[b].asked.text
        left = list(rows)
        for _ in range(TRIES):
            calls = {b: self._beginning(self.bodies[b].asked) for b in left}
            found, died = self.pool.do(calls)
            for b, results in found.items():
                body = self.bodies[b]
                body.has_scene = True
                (body.position, body.rotation), body.seen = results[2], results[3]
                self._check_reach(body.asked, results[4:])
            left = list(died)
            if not left:
                return
        raise EngineRestartError(f"an episode could not be begun: {next(iter(died.values()))}")

    def _beginning(self, asked: Asked) -> list[Call]:
        scene, objects = scene_objects(asked, self.file.folder, self._solids)
        calls: list[Call] = [
            ("load", asked.dataset, scene, objects),
            ("place", asked.position, asked.rotation),
            ("pose",),
            ("look",),
        ]
        if asked.goals:
            calls.append(("path", asked.position, list(asked.goals)))
        return [*calls, *(("path", asked.position, [target]) for target in asked.targets.values())]

    def _check_reach(self, asked: Asked, paths: Sequence[Any]) -> None:
        if any(not np.isfinite(length) for length, _, _ in paths):
            raise SceneError(
                f"episode {asked.id} of {self.file.path} has a goal that cannot be reached from its start: "
                f"{asked.text!r} in the scene {asked.scene}"
            )

    def _move(self, actions: NDArray[Any]) -> None:
        calls: dict[int, Sequence[Call]] = {}
        for b, body in enumerate(self.bodies):
            if actions[b] < NUM_ACTIONS and Action(int(actions[b])) in MOVES:
                calls[b] = [("act", MOVES[Action(int(actions[b]))]), ("pose",), ("look",)]
            elif actions[b] == Action.PICKUP and body.carried is None:
                key = rules.faced(body.position, body.rotation, body.places, self.rover.reach_m)
                if key is not None:
                    body.carried = key
                    calls[b] = [*self._made_small(body.placements[key], key), ("carry", key), ("look",)]
            elif actions[b] == Action.DROP and body.carried is not None:
                calls[b] = self._drop(body, body.carried)
        for b, results in self.ask(calls).items():
            body = self.bodies[b]
            body.seen = results[-1]
            if actions[b] < NUM_ACTIONS and Action(int(actions[b])) in MOVES:
                body.position, body.rotation = results[1]

    def _made_small(self, placement: Placement, key: str) -> list[Call]:
        """Make an object of an export as small as it is where it is carried; others have no such template."""
        template = layout.of_size(placement.template, layout.CARRIED)
        if self.file.folder is None or not layout.object_file(self.file.folder, template).is_file():
            return []
        return [("change", {key: dataclasses.replace(placement, template=template)})]

    def _drop(self, body: Body, key: str) -> list[Call]:
        place = rules.put_down(body.asked, body.position, body.rotation, key)
        before = body.placements[key]
        placement = Placement(before.template, place, before.rotation, before.semantic_id, is_static=False)
        body.places[key], body.placements[key], body.carried = place, placement, None
        return [("carry", None), ("change", {key: placement}), ("look",)]

    def _judge(self, b: int, action: int) -> bool | None:
        """Whether the episode ends with success or without; None while it goes on."""
        body = self.bodies[b]
        asked = body.asked
        if action >= NUM_ACTIONS:
            return action - NUM_ACTIONS == asked.answer
        if asked.targets:
            in_place = body.carried is None and rules.are_in_place(asked, body.places)
            return True if in_place else None
        if action == Action.DONE and asked.goals:
            results = self.ask({b: [("path", body.position, list(asked.goals))]})
            return bool(b in results and results[b][0][0] <= asked.radius)
        return None

    def _observation(self) -> Arrays:
        found = {
            key: np.zeros((self.num_envs, *part.shape), dtype=part.dtype)
            for key, part in self.agent_spec.observation.items()
        }
        for b, body in enumerate(self.bodies):
            for key, picture in observed(body.seen, self.camera).items():
                found[key][b] = picture
            length = found[self._text_key].shape[-1]
            found[self._text_key][b] = self.agent_spec.vocabulary.encode(body.asked.text, length=length)
            if COMPASS_KEY in found:
                found[COMPASS_KEY][b] = rules.compass(body.asked, body.position, body.rotation, body.places)
        if MASK_KEY in found:
            found[MASK_KEY][:] = 1
        return found
