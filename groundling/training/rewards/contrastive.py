"""A contrastive reward: how near the clip of the episode so far is to the instruction, by a trained encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.envs.specification import spec_of
from groundling.errors import CheckpointError, ConfigurationError
from groundling.interfaces import Array, Spec, Transition
from groundling.language.word_swaps import WordSwaps
from groundling.seeding import generator
from groundling.training.checks import require, require_each
from groundling.training.contrastive.clips import LastFrames
from groundling.training.contrastive.saved import SavedEncoder
from groundling.training.contrastive.wording import RunSentences
from groundling.training.rewards.base import RewardTerm

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

Form = Literal["delta", "direct"]
FEATURES = "features"


@dataclass(frozen=True)
class ContrastiveConfig:
    """The similarity of what an agent does and what it was told.

    Attributes:
        model: folder of the run that trained the encoder (--algorithm infonce).
        form: "delta" (only the increase of the similarity is paid) or "direct" (the similarity itself, at every step:
            an agent may then loiter where a similarity is wrong and the episode does not end).
        negatives: number of sentences that the instruction is compared with: itself with a word swapped, and others
            of the model's run.
        threshold: probability of the instruction above which an episode is taken for solved, for evaluation.
    """

    model: str = ""
    form: Form = "delta"
    negatives: int = 8
    threshold: float = 0.5

    def __post_init__(self) -> None:
        require(self.form in get_args(Form), f"form is one of {', '.join(get_args(Form))}, not {self.form!r}")
        require_each(self, "negatives", least=1)
        require(0 < self.threshold < 1, f"threshold must be between 0 and 1, got {self.threshold}")


class ContrastiveReward(RewardTerm):
    """Pays the increase of r = max(P - 1 / N, 0), or with "direct" r itself, where P is the probability of the
    instruction among N sentences, given the clip so far:

    P = exp s(v, l) / (exp s(v, l) + sum_k exp s(v, l_k) + exp o)

    with s the model's scaled similarity, v the clip of the last observations of the episode, l the instruction,
    l_k its N - 2 negatives and o what stands for "nothing was done yet". The increase is a difference of potentials of
    the history, undiscounted, from 0 before the first step and not zero at the end.

    The model learns nothing more. It reads observations and the instruction only, so the environments may be any that
    give what it was trained on; negatives with a swapped word are there where the language knows the words.

    Source: Fan et al. 2022, arXiv:2206.08853 (MineCLIP), section 4.3 and appendix: direct and delta.

    Raises:
        CheckpointError: if there is no whole run.
        ConfigurationError: if no run is named, or it is one of another algorithm, vocabulary or observation, or the
            agent does not read what the encoder reads.
    """

    summary: ClassVar[str] = "the similarity of what is done and the instruction, by a trained encoder of clips"
    Config: ClassVar[type[Any]] = ContrastiveConfig
    section: ClassVar[str] = "contrastive"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        super().__init__(config, envs)
        self.settings: ContrastiveConfig = config.settings_of(ContrastiveConfig)
        self.potential = "history" if self.settings.form == "delta" else "none"
        if not self.settings.model:
            raise ConfigurationError(
                "the reward 'contrastive' needs a trained encoder: train one with --algorithm infonce, and name its "
                "run folder with --contrastive.model"
            )
        self._saved: SavedEncoder | None = None
        self._missing: CheckpointError | None = None
        try:
            self._use(SavedEncoder.of_run(self.settings.model))
        except CheckpointError as error:  # a run that goes on has a copy of its own
            self._missing = error
        self._paid = np.zeros(envs.num_envs)
        self._taken = np.zeros(envs.num_envs, dtype=np.bool_)

    def _use(self, saved: SavedEncoder) -> None:
        """Take an encoder for this reward's."""
        spec = spec_of(self.envs)
        read = Spec({k: p for k, p in spec.observation.items() if k in saved.spec.observation}, saved.spec.actions,
                    spec.vocabulary)  # fmt: skip
        different = saved.spec.differences(read)
        if different:
            raise ConfigurationError(
                f"the encoder of {self.settings.model} was trained in other environments: {'; '.join(different)} in "
                "these"
            )
        self._saved, self._encoder = saved, saved.make_encoder()
        self._meanings = RunSentences(self.config, spec.vocabulary, self._encoder.text_key)
        self._candidates: dict[bytes, tuple[NDArray[np.int64], Tensor]] = {}
        self._last = LastFrames(self.envs.num_envs, saved.clip_length)
        # what each clip is compared with, the instruction first: [B, N - 1, L] token ids, [B, N - 1, E] vectors
        self._told, self._compared = np.zeros((0, 0, 0), dtype=np.int64), torch.zeros(0)

    def begin(self) -> None:
        """Refuse to begin without an encoder."""
        if self._missing is not None:
            raise self._missing

    @torch.no_grad()
    def __call__(self, transition: Transition) -> Array:
        """What is paid [B] for a step."""
        everyone = np.ones(self.envs.num_envs, dtype=np.bool_)
        if not self._last.frames:
            self._begin(everyone, transition.observation)
        keys = self._encoder.frame_keys
        self._last.push({FEATURES: self._features({key: transition.reached(key) for key in keys}, everyone)})
        probability = self._probability().double().numpy()
        now = np.maximum(probability - 1 / (self.settings.negatives + 2), 0.0)
        paid = now - self._paid if self.settings.form == "delta" else now
        self._taken = probability > self.settings.threshold
        ended = transition.terminated | transition.truncated
        self._paid = np.where(ended, 0.0, now)
        if ended.any():
            self._begin(ended, transition.next_observation)
        return paid

    def verdicts(self, transition: Transition) -> NDArray[np.bool_]:
        """Where the instruction's probability is above the threshold [B] after the step that was just paid."""
        return self._taken

    def _features(self, frames: Mapping[str, Array], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Features [B, C, H] of frames [B, ...], zero where not ``chosen``; C is 1, or as many as are compared with."""
        columns, length = self._told.shape[1:] if self._encoder.gated else (1, self._told.shape[2])
        rows = np.flatnonzero(chosen)
        repeated = {key: np.asarray(array)[rows].repeat(columns, axis=0) for key, array in frames.items()}
        told = self._told[rows, :columns].reshape(-1, length)
        features = self._encoder.encode_frames(repeated, told).numpy()
        found = np.zeros((len(chosen), columns, features.shape[1]), dtype=np.float32)
        found[rows] = features.reshape(len(rows), columns, -1)
        return found

    def _probability(self) -> Tensor:
        """The probability [B] of each environment's instruction, given its present clip."""
        features = torch.from_numpy(self._last.frames[FEATURES]).transpose(1, 2)  # [B, C, K, H]
        columns = features.shape[1]
        count = torch.from_numpy(self._last.count).repeat_interleave(columns)
        clips = self._encoder.pool(features.flatten(0, 1), count).unflatten(0, (-1, columns))
        similarity = (clips * self._compared).sum(dim=2)
        nothing = self._encoder.nothing.expand(len(clips), 1)
        return (self._encoder.scale * torch.cat([similarity, nothing], dim=1)).softmax(dim=1)[:, 0]

    def _begin(self, chosen: NDArray[np.bool_], observation: Any) -> None:
        """Episodes begin with these observations [B, ...] where ``chosen`` is set."""
        keys = (*self._encoder.frame_keys, self._encoder.text_key)
        missing = [key for key in keys if key not in observation]
        if missing:
            raise ConfigurationError(
                f"the encoder of {self.settings.model} reads {', '.join(missing)}, which the agent does not: give the "
                "agent the vision that the encoder has"
            )
        tokens = np.asarray(observation[self._encoder.text_key]).astype(np.int64)
        self._tell(chosen, tokens)
        frames = {key: observation[key] for key in self._encoder.frame_keys}
        self._last.begin(chosen, {FEATURES: self._features(frames, chosen)})

    def _tell(self, chosen: NDArray[np.bool_], tokens: NDArray[np.int64]) -> None:
        """The instructions [B, L] of the chosen environments, and what each is compared with."""
        if not self._told.size:
            columns = self.settings.negatives + 1
            self._told = np.zeros((len(tokens), columns, tokens.shape[1]), dtype=np.int64)
            self._compared = torch.zeros(len(tokens), columns, self._encoder.embedding_dim)
        for row in np.flatnonzero(chosen).tolist():
            key = tokens[row].tobytes()
            if key not in self._candidates:
                told = np.concatenate([tokens[row : row + 1], self.negatives_of(tokens[row])])
                self._candidates[key] = told, self._encoder.encode_sentences(told)
            self._told[row], self._compared[row] = self._candidates[key]

    def negatives_of(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sentences [N - 2, L] that an instruction [L] is compared with: with a swapped word, then others.

        Where there are too few they come again, so that every instruction is one of as many.
        """
        assert self._saved is not None
        others = self._saved.sentences_of_length(len(tokens))
        used = np.unique(np.concatenate([others.reshape(-1), tokens]))
        swapped = WordSwaps(self._encoder.agent.spec.vocabulary, used.tolist()).of(tokens)
        meaning = self._meanings.meaning(tokens)
        others = others[[self._meanings.meaning(row) != meaning for row in others]]
        rng = generator(0, "negatives", *tokens.tolist())
        found = np.concatenate([rng.permutation(swapped), rng.permutation(others)])
        if not len(found):
            raise ConfigurationError(
                f"there is no sentence that {self._encoder.agent.spec.vocabulary.decode(tokens)!r} could be compared "
                f"with: train {self.settings.model} on more than one instruction"
            )
        return found[np.arange(self.settings.negatives) % len(found)]

    def state_dict(self) -> dict[str, Any]:
        """The encoder, and the clips of the present episodes."""
        saved = {} if self._saved is None else {"encoder": self._saved.to_dict()}
        if not self._last.frames:
            return saved
        clips = {"last": self._last.state_dict(), "tokens": torch.from_numpy(self._told[:, 0].copy())}
        return {**saved, **clips, "paid": torch.from_numpy(self._paid.copy())}

    def load_learned(self, saved: dict[str, Any]) -> None:
        """Take the encoder of :meth:`state_dict` only."""
        self._use(SavedEncoder.from_dict(saved["encoder"]))
        self._missing = None

    @torch.no_grad()
    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.load_learned(saved)
        if "last" not in saved:
            return
        self._last.load_state_dict(saved["last"])
        self._paid = saved["paid"].numpy().copy()
        tokens = saved["tokens"].numpy()
        self._tell(np.ones(len(tokens), dtype=np.bool_), tokens)
