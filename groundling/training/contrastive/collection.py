"""Playing the expert, and keeping the last frames of what it did."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.envs.engine.outcomes import require_successes
from groundling.interfaces import Transition
from groundling.training.algorithms.taught_collection import TAUGHT, TaughtCollector
from groundling.training.collector import Collector, StepAnswer
from groundling.training.contrastive.clips import ClipBuffer, ClipPairs, LastFrames
from groundling.training.contrastive.wording import RunSentences

NEAR = 0.5  # of the clips that are cut are cut by a single frame, the others anywhere


class ClipCollector(TaughtCollector):
    """Plays an expert that takes random actions at times, and keeps clips of the episodes that succeed.

    The agent does not act: its actions, values and memory in the rollouts mean nothing.

    Args:
        clips: where they go.
        clip_length: K frames.
        sentences: what sentences mean and how else they are said.
        paraphrased: share of the sentences that are said otherwise.
    """

    def __init__(
        self,
        *args: Any,
        clips: ClipBuffer,
        clip_length: int,
        sentences: RunSentences,
        paraphrased: float,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.clips = clips
        self.sentences = sentences
        self.paraphrased = paraphrased
        batch = len(self.is_first)
        self._last, self._cut = (LastFrames(batch, clip_length) for _ in range(2))
        self._passed = np.zeros(batch, dtype=np.int64)  # frames of the present episodes, the newest left out

    @property
    def frame_keys(self) -> tuple[str, ...]:
        """The keys of what a frame is made of."""
        return tuple(key for key in self.keys if key != self.agent.encoder.text_key)

    def start(self, seed: int) -> None:
        """Begin the first episodes."""
        super().start(seed)
        self._begin(np.ones(len(self._passed), dtype=np.bool_))

    def act(self, step: int) -> Tensor:
        """The expert's actions [B], some of them random."""
        expert = self.rollout.columns[TAUGHT][step]
        draws = torch.rand(len(expert), generator=self.generator, device=expert.device)
        others = torch.randint(self.agent.num_actions, expert.shape, generator=self.generator, device=expert.device)
        return torch.where(draws < self.teacher_share, expert, others)

    def on_host(self, step: int, action: Tensor) -> NDArray[np.int64]:
        """See ``Collector``: some of the actions are not the expert's."""
        return Collector.on_host(self, step, action)

    def _note(
        self, step: int, chosen: NDArray[np.int64], answer: StepAnswer, texts: tuple[str, ...]
    ) -> tuple[NDArray[np.bool_], dict[str, Any]]:
        ended, info = super()._note(step, chosen, answer, texts)
        out = self.rollout
        before = self._last.rows(np.flatnonzero(ended))
        nobody = np.zeros(len(ended))
        stepped = Transition({}, nobody, self.observation, nobody, ended, ended & False, info)  # type: ignore[arg-type]
        self._last.push({key: stepped.reached(key) for key in self.frame_keys})
        draws = torch.rand(2, len(ended), generator=self.generator, device=self.agent.device).cpu().numpy()
        if ended.any():
            good = np.flatnonzero(require_successes(info, ended))
            if len(good):
                tokens = out.on_host.observation[self.agent.encoder.text_key][step].numpy()[good]
                self._keep(good, before, np.flatnonzero(ended), draws[0], tokens)
        # every frame before the last is as likely to be where the clip is cut (reservoir sampling)
        self._passed += 1
        self._copy(~ended & (draws[1] * self._passed < 1))
        self._begin(ended)
        return ended, info

    def _begin(self, chosen: NDArray[np.bool_]) -> None:
        first = {key: np.asarray(self.observation[key]) for key in self.frame_keys}
        self._last.begin(chosen, first)
        if not self._cut.frames:
            self._cut.begin(chosen, first)
        self._passed[chosen] = 1
        self._copy(chosen)

    def _copy(self, chosen: NDArray[np.bool_]) -> None:
        """Cut the clips of these environments [B] where they are now."""
        for key, array in self._cut.frames.items():
            array[chosen] = self._last.frames[key][chosen]
        self._cut.count[chosen] = self._last.count[chosen]

    def _keep(
        self,
        good: NDArray[np.intp],
        before: tuple[dict[str, NDArray[Any]], NDArray[np.int64]],
        ended: NDArray[np.intp],
        draws: NDArray[np.floating[Any]],
        tokens: NDArray[np.integer[Any]],
    ) -> None:
        """Keep the clips of episodes that succeeded; ``before`` holds the clips of all that ended, a frame earlier."""
        done, count = self._last.rows(good)
        cut, cut_count = self._cut.rows(good)
        place = np.searchsorted(ended, good)
        near = draws[good] < NEAR
        frames = {}
        for key, array in done.items():
            cut[key][near] = before[0][key][place][near]
            frames[key] = np.stack([array, cut[key]], axis=1)
        cut_count[near] = before[1][place][near]
        first = self.clips.added
        meaning = np.array([self.sentences.meaning(row) for row in tokens], dtype=np.int64)
        said = [self.sentences.said_otherwise(row, self.paraphrased, first + n) for n, row in enumerate(tokens)]
        self.clips.add(ClipPairs(frames, np.stack([count, cut_count], axis=1), np.stack(said), meaning))

    def state_dict(self) -> dict[str, Any]:
        """See ``Collector``; the clips of the present episodes, too."""
        return {
            **super().state_dict(),
            "last": self._last.state_dict(),
            "cut": self._cut.state_dict(),
            "passed": torch.as_tensor(self._passed.copy()),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        super().load_state_dict(saved)
        if saved["envs"] is None:
            return
        self._last.load_state_dict(saved["last"])
        self._cut.load_state_dict(saved["cut"])
        self._passed = saved["passed"].numpy().copy()
