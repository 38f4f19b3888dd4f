"""A batch of rovers whose bodies and cameras are Habitat's: it moves and renders, our rules judge."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine import rover_kernels
from groundling.envs.engine.constants import BORDER, Action
from groundling.envs.engine.rover import Rover
from groundling.envs.engine.rovers import RoverBatch, Sights
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.live import Shown, Snapshot, changes, shown
from groundling.envs.families.habitat.view import observed, simulator_settings
from groundling.envs.first_person import Camera
from groundling.envs.simulators.errors import EngineRestartError
from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.envs.simulators.habitat.pool import Call, HabitatPool

MOVES: Final = {Action.LEFT: facts.LEFT, Action.RIGHT: facts.RIGHT, Action.FORWARD: facts.FORWARD}
TRIES: Final = 3  # to begin an episode, if workers die of it
FULL_TURN: Final = 2 * math.pi

_log = logging.getLogger(__name__)


class HabitatBatch(RoverBatch):
    """B rovers in B simulators; see :class:`RoverBatch`.

    The body moves on Habitat's navigation mesh and is read back into our poses; what it faces, picks up, opens, and
    whether it has reached its goal follows from our rules. Where a worker dies the episode is cut off.

    Args:
        bank: the episodes, a row a scene.
        num_envs: B, each in a process of its own.
        folder: the export.
        scenes: the name of the scene of each row.
        rover: the body.
        camera: what it sees with.
        python: interpreter of the simulators; None takes this one.
        gpu: that renders; -1 renders on the CPU.
        max_scenes: that a simulator loads before it is made anew.
        options: as of :class:`RoverBatch`.

    Attributes:
        pool: the simulators.
        collided: [B] bool, whether the last step got less far than it was to.
    """

    def __init__(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        folder: Path,
        scenes: Sequence[str],
        rover: Rover,
        camera: Camera,
        python: str | None = None,
        gpu: int = facts.CPU,
        max_scenes: int = facts.MAX_SCENES,
        **options: Any,
    ) -> None:
        self._dataset = str(layout.dataset_file(folder.absolute()))
        self._scenes = tuple(scenes)
        self._seen: list[dict[str, NDArray[Any]]] = [{} for _ in range(num_envs)]
        self._shown: list[tuple[Snapshot, Shown] | None] = [None] * num_envs
        self.collided = np.zeros(num_envs, dtype=np.bool_)
        self._without_scene: set[int] = set()  # whose worker died since their last step
        super().__init__(bank, num_envs, rover=rover, camera=camera, **{**options, "num_threads": 1})
        self._standing = rover.motion()._replace(step=0.0, turn=0.0)  # Habitat's body moves instead
        self.pool = HabitatPool(simulator_settings(camera, rover, gpu), num_envs, python=python, max_scenes=max_scenes)

    def paths(self, ends: dict[int, list[tuple[float, float]]]) -> dict[int, tuple[float, list[list[float]], int]]:
        """The path finder's shortest way of some rovers to the nearest of several points (border included)."""
        calls: dict[int, Sequence[Call]] = {}
        for b, points in ends.items():
            places = [layout.to_position(x - BORDER, y - BORDER) for x, y in points]
            calls[b] = [("path", self._position(b), places)]
        return {b: results[0] for b, results in self._ask(calls).items()}

    def ways_to(self, ends: Mapping[int, tuple[float, float]], radius: Mapping[int, float]) -> dict[int, list[int]]:
        """The greedy follower's actions that bring some rovers within a radius, in metres, of points of the map, border
        included; none where it finds no way.
        """
        calls: dict[int, Sequence[Call]] = {
            b: [("follow", [layout.to_position(x - BORDER, y - BORDER)], radius[b])] for b, (x, y) in ends.items()
        }
        found = self._ask(calls)
        numbers = {name: int(action) for action, name in MOVES.items()}
        return {b: [] if results[0] is None else [numbers[name] for name in results[0]] for b, results in found.items()}

    def load_state_dict(self, saved: dict[str, NDArray[Any]], *, fresh: bool = False) -> None:
        """Continue from :meth:`state_dict`; the scenes are loaded as they were."""
        super().load_state_dict(saved, fresh=fresh)
        self._enter(list(range(self.num_envs)))

    def close(self) -> None:
        """End the simulators."""
        super().close()
        self.pool.close()

    def _begin_part(self, chosen: NDArray[np.bool_], start: int, stop: int) -> None:
        super()._begin_part(chosen, start, stop)
        self._enter([b for b in np.flatnonzero(chosen).tolist() if start <= b < stop])

    def _step(self, actions: NDArray[np.int64], autoreset: bool, start: int, stop: int) -> None:
        rows = range(start, stop)
        self._move(rows, actions)
        rover_kernels.step_rovers(
            self.state, self.poses, self._standing, self.scoring, self.outcomes, actions, self.width, start, stop
        )
        self._show(rows)
        for b in self._without_scene:
            self._cut_off(b)
        ended = self.outcomes.ended
        if autoreset:
            for b in (np.flatnonzero(ended[start:stop]) + start).tolist():
                self.final.instruction[b] = self.episodes.tokens[self.state.sentence[b]]
                self._draw(self.final, b, b + 1)
        self._begin_part(ended & autoreset, start, stop)
        self._draw(self.observations, start, stop)

    def _draw(self, seen: Sights, start: int, stop: int) -> None:
        for b in range(start, stop):
            for key, picture in observed(self._seen[b], self.camera).items():
                getattr(seen, key)[b] = picture

    def _ask(self, calls: Mapping[int, Sequence[Call]]) -> dict[int, list[Any]]:
        """Make calls; an environment whose worker dies has no scene, and is not asked, until it begins anew."""
        found, died = self.pool.do({b: own for b, own in calls.items() if own and b not in self._without_scene})
        for b, error in died.items():
            _log.warning("environment %d is cut off: %s", b, error)
        self._without_scene |= set(died)
        return found

    def _position(self, b: int) -> tuple[float, float, float]:
        return layout.to_position(self.poses.x[b] - BORDER, self.poses.y[b] - BORDER)

    def _enter(self, rows: list[int]) -> None:
        """Load the scenes of these environments as their states are, and put their agents where they are.

        Raises:
            SceneError: if a scene lacks something, or nobody can stand where an agent begins.
            EngineRestartError: if workers die of it again and again.
        """
        for _ in range(TRIES):
            calls: dict[int, Sequence[Call]] = {}
            for b in rows:
                scene = self._scenes[int(self.state.episode[b])]
                snapshot = Snapshot.of(self.state, b)
                now = shown(snapshot, self.width, self.kinds, scene)
                self._shown[b] = snapshot, now
                calls[b] = [
                    ("load", self._dataset, scene + layout.STAGE_SUFFIX, now.objects),
                    ("place", self._position(b), layout.to_rotation(float(self.poses.heading[b]))),
                    ("carry", now.carried),
                    ("pose",),
                    ("look",),
                ]
            found, died = self.pool.do(calls)
            for b, results in found.items():
                self._without_scene.discard(b)
                self._take(b, results[-2], results[-1])
            rows = list(died)
            if not rows:
                return
        raise EngineRestartError(f"an episode could not be begun: {next(iter(died.values()))}")

    def _move(self, rows: Sequence[int], actions: NDArray[np.int64]) -> None:
        """Move the bodies and look."""
        calls: dict[int, Sequence[Call]] = {}
        for b in rows:
            name = MOVES.get(Action(int(actions[b]))) if actions[b] < len(Action) else None
            calls[b] = [] if name is None else [("act", name), ("pose",), ("look",)]
        self.collided[:] = False
        for b, (collided, pose, seen) in self._ask(calls).items():
            self.collided[b] = collided
            self._take(b, pose, seen)

    def _show(self, rows: Sequence[int]) -> None:
        """Bring the scenes of these environments to what their states are."""
        calls: dict[int, Sequence[Call]] = {}
        for b in rows:
            before = self._shown[b]
            assert before is not None
            if before[0].is_of(self.state, b):
                continue
            snapshot = Snapshot.of(self.state, b)
            now = shown(snapshot, self.width, self.kinds, self._scenes[int(self.state.episode[b])])
            self._shown[b] = snapshot, now
            calls[b] = [("carry", None), ("change", changes(before[1], now)), ("carry", now.carried), ("look",)]
        for b, results in self._ask(calls).items():
            self._seen[b] = results[-1]

    def _take(self, b: int, pose: Any, seen: dict[str, NDArray[Any]]) -> None:
        position, rotation = pose
        x, y = layout.from_position(position)
        self.poses.x[b], self.poses.y[b] = x + BORDER, y + BORDER
        self.poses.heading[b] = layout.from_rotation(rotation) % FULL_TURN
        self._seen[b] = seen

    def _cut_off(self, b: int) -> None:
        """The episode of a worker that died: it ends here, as at the time limit, unless it ended by itself."""
        out, state = self.outcomes, self.state
        if out.terminated[b]:
            return
        out.reward[b], out.success[b] = 0.0, False
        out.truncated[b] = out.ended[b] = True
        out.episode_return[b], out.episode_length[b] = state.episode_return[b], state.step_count[b]
        out.episode[b] = state.episode[b]
