"""A batch of rovers: the worlds of the grid, driven through and seen from inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine import rover_kernels
from groundling.envs.engine.answers import Answers
from groundling.envs.engine.batch import Batch, ObservationArrays
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.engine.rover import Poses, Rover, Scoring, make_poses
from groundling.envs.engine.world_checks import check_poses
from groundling.envs.first_person import Camera, FirstPersonRenderer, Views
from groundling.language.lexicon import PLAIN, Lexicon

ABSENT = 0  # environments in the array of a sense that the camera lacks


class Sights(NamedTuple):
    """What B rovers see; senses that their camera lacks are empty."""

    image: NDArray[np.uint8]  # [B, H, W, 3] RGB
    depth: NDArray[np.float32]  # [B, H, W] metres
    segmentation: NDArray[np.uint8]  # [B, H, W] cell codes
    instruction: NDArray[np.int32]  # [B, L]


class RoverBatch(Batch[Sights]):
    """B rovers with a camera each; see :class:`Batch`.

    Args:
        bank: the episodes to play; every level's and task's can be driven through.
        num_envs: B.
        rover: the body.
        camera: what it sees with.
        scoring: the reward.
        num_actions: A, the first ones of MiniGrid's seven.
        time_scale: how many steps a rover is given for each of an episode's time limit; None gives it as many as it
            takes for a move of the grid.
        shuffle: draw episodes at random; otherwise environment b plays episodes b, b + B, b + 2B, ...
        order_seed: seed of that draw.
        num_threads: threads that share a step.
        top_down_pixels: pixels of a tile of the view from above, another sense; None leaves it out.
        previous_action: add the action that each rover took last, another sense.
        lexicon: words of a task's own: what its types and colors look like.
        answers: of tasks in which rovers answer, which then have all seven moves; None leaves these actions out.
        text_key: the key of the observation that holds the sentence.

    Attributes:
        poses: where the rovers are.
        styles: [B] uint64, what the randomization of each episode is drawn from.

    Raises:
        ConfigurationError: if the bank has types or colors that the lexicon lacks.
    """

    min_envs_per_thread = 16

    def __init__(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        rover: Rover,
        camera: Camera,
        scoring: Scoring = Scoring(),  # noqa: B008 - frozen
        num_actions: int = NUM_ACTIONS,
        time_scale: int | None = None,
        shuffle: bool = True,
        order_seed: int = 0,
        num_threads: int = 1,
        top_down_pixels: int | None = None,
        previous_action: bool = False,
        lexicon: Lexicon = PLAIN,
        answers: Answers | None = None,
        text_key: str = "instruction",
        manual_space: tuple[int, int] | None = None,
    ) -> None:
        self.rover = rover
        self.camera = camera
        self.scoring = scoring
        self.num_actions = num_actions
        self.time_scale = rover.steps_per_move if time_scale is None else time_scale
        self.poses = make_poses(num_envs)
        self.styles = np.zeros(num_envs, dtype=np.uint64)
        self._motion = rover.motion()
        self._kinds = kinds = kinds_of(lexicon)
        self._renderer = FirstPersonRenderer(camera, kinds)
        self._codes: tuple[FirstPersonRenderer, Views] | None = None
        episodes = bank.bank if isinstance(bank, TaskMixture) else bank
        episodes.check()
        looks = episodes.looks
        kinds.check(int((looks & 0xFF).max()), int((looks >> 8 & 0xFF).max()))
        super().__init__(
            bank,
            num_envs,
            shuffle=shuffle,
            order_seed=order_seed,
            num_threads=num_threads,
            top_down_pixels=top_down_pixels,
            previous_action=previous_action,
            lexicon=lexicon,
            answers=answers,
            text_key=text_key,
            manual_space=manual_space,
        )

    def make_observations(self) -> Sights:
        """Empty arrays for what B agents see."""
        camera = self.camera
        size = (camera.height, camera.width)

        def rows(is_there: bool) -> int:
            return self.num_envs if is_there else ABSENT

        return Sights(
            image=np.zeros((rows(camera.rgb), *size, 3), dtype=np.uint8),
            depth=np.zeros((rows(camera.depth), *size), dtype=np.float32),
            segmentation=np.zeros((rows(camera.segmentation), *size), dtype=np.uint8),
            instruction=np.zeros((self.num_envs, self.episodes.tokens.shape[1]), dtype=np.int32),
        )

    def named(self, seen: Sights) -> ObservationArrays:
        """What the agents see by the keys of the observation space, without copies."""
        found = {name: array for name, array in seen._asdict().items() if len(array) != ABSENT}
        found[self.text_key] = found.pop("instruction")
        return found

    def segmentation(self) -> NDArray[np.uint8]:
        """The cell code of what each pixel of the present views shows, [B, H, W]; drawn where no sense of the camera.

        The array is written again by the next call, or by the next step.
        """
        if self.camera.segmentation:
            return self.observations.segmentation
        if self._codes is None:
            renderer = FirstPersonRenderer(replace(self.camera, rgb=False, depth=False, segmentation=True), self._kinds)
            self._codes = renderer, renderer.make_views(self.num_envs)
        renderer, views = self._codes
        renderer.draw_checked(self.state, self.poses, self.width, self.styles, views, 0, self.num_envs)
        return views.segmentation

    def redraw(self) -> None:
        """Draw what the rovers see, after their poses were set."""
        self._draw(self.observations, 0, self.num_envs)

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Where the rovers are: x and y in metres, border included, and heading in radians, [B] each."""
        return self.poses.x, self.poses.y, self.poses.heading

    def _begin(self, chosen: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(chosen).tolist()
        if not rows:
            return
        self._begin_part(chosen, rows[0], rows[-1] + 1)  # no further: other threads may be stepping the others
        for b in rows:
            self._draw(self.observations, b, b + 1)

    def _begin_part(self, chosen: NDArray[np.bool_], start: int, stop: int) -> None:
        rover_kernels.begin_rovers(
            self.state,
            self.poses,
            self.styles,
            self.episodes,
            self.tasks,
            self.observations.instruction,
            self.time_scale,
            self.order_seed,
            self.shuffle,
            chosen,
            start,
            stop,
        )

    def _step(self, actions: NDArray[np.int64], autoreset: bool, start: int, stop: int) -> None:
        rover_kernels.step_rovers(
            self.state,
            self.poses,
            self._motion,
            self.scoring,
            self.outcomes,
            actions,
            self.width,
            start,
            stop,
        )
        ended = self.outcomes.ended
        if autoreset:
            for b in (np.flatnonzero(ended[start:stop]) + start).tolist():
                self.final.instruction[b] = self.episodes.tokens[self.state.sentence[b]]
                self._draw(self.final, b, b + 1)
        self._begin_part(ended & autoreset, start, stop)
        self._draw(self.observations, start, stop)

    def _draw(self, seen: Sights, start: int, stop: int) -> None:
        views = Views(seen.image, seen.depth, seen.segmentation)
        self._renderer.draw_checked(self.state, self.poses, self.width, self.styles, views, start, stop)

    def bounds(self) -> dict[str, tuple[float, float]]:
        """See :class:`Batch`."""
        return {**super().bounds(), "observations.depth": (0, np.inf)}

    def check_saved(self, saved: Mapping[str, NDArray[Any]], ours: Mapping[str, NDArray[Any]]) -> None:
        """See :class:`Batch`."""
        super().check_saved(saved, ours)
        poses = Poses(*(saved[f"poses.{name}"] for name in Poses._fields))
        check_poses(poses, saved["state.position"], self.width, self.state.cells.shape[1] // self.width)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See :class:`Batch`."""
        own = {f"poses.{name}": array for name, array in self.poses._asdict().items()}
        return {**super().arrays(), **own, "styles": self.styles}
