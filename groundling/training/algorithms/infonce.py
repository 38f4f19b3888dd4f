"""InfoNCE: a video-sentence encoder, trained on clips of what an expert does and sentences that name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
import torch
from torch import Tensor

from groundling.agents.bots import Sight
from groundling.language.word_swaps import WordSwaps
from groundling.seeding import integer
from groundling.training.algorithms.base import OnPolicy, Run
from groundling.training.algorithms.taught_collection import TeacherLabels
from groundling.training.checks import require, require_each, require_shares
from groundling.training.contrastive.clips import ClipBuffer, ClipPairs
from groundling.training.contrastive.collection import ClipCollector
from groundling.training.contrastive.encoder import VideoSentenceEncoder
from groundling.training.contrastive.loss import Losses, Scores, infonce
from groundling.training.contrastive.wording import RunSentences
from groundling.training.gradients import GradientStep
from groundling.training.recorders import Recorder
from groundling.training.rollout import Rollout
from groundling.training.teachers import find_teacher

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

MOST_SENTENCES = 512  # that are kept for rewards to compare with


@dataclass(frozen=True)
class InfoNCEConfig:
    """Contrastive training of a video-sentence encoder, for --reward contrastive and for --init.

    Attributes:
        expert: what the expert observes: "explored" (the cells observed so far) or "world" (the full state).
        random_share: share of random actions among the expert's, so that clips show more than its ways.
        clip_length: K, number of observations of a clip: the last ones of an episode.
        embedding_dim: size of the vectors of clips and sentences.
        gated: encode each clip under every sentence that it is compared with, whose words gate what is seen, as an
            agent sees it. Such an encoder judges pairs of words that it never met together. False encodes it once,
            without words (CLIP), which is faster.
        others: number of other sentences of the batch that each clip is compared with.
        paraphrased: share of the sentences that are said in other words of the same meaning. Phrasings and synonyms
            that --held-out names are never used.
        swaps: number of sentences with a swapped word (color, type, verb) that each clip is compared with.
        buffer_size: number of episodes whose clips are kept.
        num_steps: T, number of steps of each environment between two updates.
        gradient_steps: number of gradient steps of an update.
        batch_size: number of pairs of a clip and a sentence of a gradient step.
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
    """

    expert: Sight = "explored"
    random_share: float = 0.25
    clip_length: int = 4
    embedding_dim: int = 64
    gated: bool = True
    others: int = 4
    paraphrased: float = 0.5
    swaps: int = 4
    buffer_size: int = 4096
    num_steps: int = 16
    gradient_steps: int = 8
    batch_size: int = 64
    learning_rate: float = 2e-3
    anneal: bool = True
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        require(self.expert in get_args(Sight), f"expert is one of {', '.join(get_args(Sight))}, not {self.expert!r}")
        require_shares(self, "random_share", "paraphrased")
        require_each(self, "clip_length", "embedding_dim", "buffer_size", "num_steps", "gradient_steps", least=1)
        require_each(self, "batch_size", least=2)
        require_each(self, "swaps", least=0)
        require(
            1 <= self.others < self.batch_size,
            f"others is from 1 to batch_size - 1 ({self.batch_size - 1}), got {self.others}",
        )
        require_each(self, "learning_rate", "max_grad_norm", above=0)


class InfoNCE(OnPolicy):
    """Trains the observation and language encoders of the agent, and heads beside them, by contrast.

    An expert plays. Of each episode that succeeds two clips are kept, the one of its end and one that is cut before,
    with the instruction in its own or other words. The agent itself never acts; its policy and memory stay as they were
    drawn, so ``--init`` of a run with PPO starts with trained encoders and an untrained policy.

    Source: see ``VideoSentenceEncoder`` and ``infonce``.
    """

    Config: ClassVar[type[Any]] = InfoNCEConfig
    plays_halves = False
    section = "infonce"
    title: ClassVar[str] = "InfoNCE (encoders only, no policy)"
    collector: ClipCollector

    def __init__(self, run: Run) -> None:
        self.clips = ClipBuffer(run.config.settings_of(InfoNCEConfig).buffer_size)
        super().__init__(run)
        settings: InfoNCEConfig = self.settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(run.config.seed, "heads"))
            self.encoder = VideoSentenceEncoder(run.agent, settings.embedding_dim, gated=settings.gated).to(
                run.agent.device
            )
        parameters = list(self.encoder.parameters())
        self.optimizer = torch.optim.Adam(parameters, lr=settings.learning_rate, eps=1e-5, fused=True)
        self.step = GradientStep(self.optimizer, max_norm=settings.max_grad_norm)

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Nobody is paid, and a blind encoder has nothing to compare."""
        super().check(config)
        require(
            config.reward == ("environment",),
            f"algorithm {cls.section!r} learns from no reward: leave out --reward {' '.join(config.reward)}",
        )
        require(not config.agent.blind, "a blind agent sees no clips: leave out --agent.blind")

    def make_collector(self, recorders: list[Recorder]) -> ClipCollector:
        """What plays the expert."""
        run, settings = self.run, self.settings
        key = run.agent.encoder.text_key
        collector = ClipCollector(
            run.envs,
            run.agent,
            settings.num_steps,
            run.generator("actions"),
            labels=TeacherLabels(find_teacher(run.envs, run.config, settings.expert)),
            rewards=run.rewards,
            statistics=run.statistics,
            recorders=recorders,
            clips=self.clips,
            clip_length=settings.clip_length,
            sentences=RunSentences(run.config, run.agent.spec.vocabulary, key),
            paraphrased=settings.paraphrased,
        )
        collector.teacher_share = 1 - settings.random_share
        return collector

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Gradient steps on clips that are kept.

        Returns:
            Means over the gradient steps of the loss, of ``accuracy`` and ``undone`` (see ``Losses``) and of the
            gradient's norm, the temperature, the number of clips that are kept, and the expert's share of the actions.
        """
        told = {"clips": float(len(self.clips)), "teacher_share": self.collector.teacher_share}
        if len(self.clips) < 2:
            return told
        settings: InfoNCEConfig = self.settings
        swaps = WordSwaps(self.agent.spec.vocabulary, np.unique(self.clips.sentences()).tolist())
        found: list[Tensor] = []
        for _ in range(settings.gradient_steps):
            draws = torch.rand(settings.batch_size, generator=self.minibatches, device=self.agent.device)
            pairs = self.clips.rows((draws * len(self.clips)).long().cpu().numpy())
            losses = self._losses(pairs, swaps)
            norm = self.step(losses.loss)
            found.append(torch.stack([losses.loss.detach(), losses.accuracy, losses.undone, norm]))
        loss, accuracy, undone, norm = torch.stack(found).mean(dim=0).tolist()
        temperature = 1 / self.encoder.scale.item()
        return {
            "contrastive_loss": loss,
            "accuracy": accuracy,
            "undone": undone,
            "grad_norm": norm,
            "temperature": temperature,
            **told,
        }

    def _losses(self, pairs: ClipPairs, swaps: WordSwaps) -> Losses:
        """The losses of N pairs."""
        encoder, device, count = self.encoder, self.agent.device, len(pairs)
        swapped, has_swap = self._swapped(pairs.tokens, swaps)
        order = torch.randperm(count - 1, generator=self.minibatches, device=device) + 1
        shifts = order[: self.settings.others].cpu()
        others = (np.arange(count)[:, None] + shifts.numpy()) % count  # [N, J]
        # each clip under its own sentence, the swapped and the others; then those that were cut
        compared = np.concatenate([pairs.tokens[:, None], swapped, pairs.tokens[others]], axis=1)
        columns = compared.shape[1]
        texts = encoder.encode_sentences(compared.reshape(-1, compared.shape[2])).unflatten(0, (count, columns))
        done, cut = self._clips(pairs, compared)
        scores = encoder.scale * (done * texts).sum(dim=2)
        return infonce(
            Scores(
                own=scores[:, 0],
                others=scores[:, 1 + swapped.shape[1] :],
                shifts=shifts.to(device),
                swaps=scores[:, 1 : 1 + swapped.shape[1]],
                has_swap=torch.from_numpy(has_swap).to(device),
                cut=encoder.scale * (cut * texts[:, 0]).sum(dim=1),
                nothing=encoder.scale * encoder.nothing,
            ),
            torch.from_numpy(pairs.meaning).to(device),
        )

    def _clips(self, pairs: ClipPairs, compared: Any) -> tuple[Tensor, Tensor]:
        """The clips of what was done [N, C or 1, E], under each sentence [N, C, L], and those that were cut [N, E]."""
        under = compared if self.encoder.gated else compared[:, :1]
        count, columns, length = under.shape
        frames = {
            key: np.concatenate([array[:, 0].repeat(columns, axis=0), array[:, 1]])
            for key, array in pairs.frames.items()
        }
        counts = np.concatenate([pairs.count[:, 0].repeat(columns), pairs.count[:, 1]])
        tokens = np.concatenate([under.reshape(-1, length), under[:, 0]])
        clips = self.encoder.encode_clips(frames, counts, tokens)
        return clips[: count * columns].unflatten(0, (count, columns)), clips[count * columns :]

    def _swapped(self, tokens: Any, swaps: WordSwaps) -> tuple[Any, Any]:
        """Swaps [N, S, L] of sentences [N, L], drawn for each, and which of them there are, [N, S]."""
        count: int = self.settings.swaps
        draws = torch.rand(len(tokens), max(count, 1), generator=self.minibatches, device=self.agent.device)
        places = draws.cpu().numpy()[:, :count]
        found = np.repeat(tokens[:, None], count, axis=1)
        has_swap = np.zeros((len(tokens), count), dtype=np.bool_)
        distinct, row_of = np.unique(tokens, axis=0, return_inverse=True)
        for number, sentence in enumerate(distinct):
            rows, others = np.flatnonzero(row_of.reshape(-1) == number), swaps.of(sentence)
            if len(others):
                found[rows] = others[(places[rows] * len(others)).astype(np.int64)]
                has_swap[rows] = True
        return found, has_swap

    def state_dict(self) -> dict[str, Any]:
        """See ``Algorithm``; the heads, the clips, and sentences for rewards to compare with."""
        sentences = self.clips.sentences()[:MOST_SENTENCES]
        return {
            **super().state_dict(),
            "heads": self.encoder.own_parameters(),
            "clips": self.clips.state_dict(),
            "sentences": torch.as_tensor(sentences.astype(np.int64)),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See ``Algorithm``."""
        super().load_state_dict(saved)
        self.encoder.load_own_parameters(saved["heads"])
        self.clips.load_state_dict(saved["clips"])
