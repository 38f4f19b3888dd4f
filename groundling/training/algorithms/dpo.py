"""Direct preference optimization: an agent that learns from comparisons of trajectories, without a reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic
from groundling.errors import ConfigurationError
from groundling.interfaces import Observation
from groundling.training.algorithms.base import Algorithm, Run
from groundling.training.checks import require, require_each
from groundling.training.gradients import GradientStep
from groundling.training.preferences.comparisons import Comparisons
from groundling.training.preferences.segments import Segments, agreement
from groundling.training.streams import restore_stream

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class DPOConfig:
    """Direct preference optimization, from a file of comparisons and the agent of --init.

    Attributes:
        comparisons: path of the file (`groundling label` makes one).
        beta: how strongly the agent is kept near to that of --init; smaller moves farther away.
        per_step: take log-likelihoods as means over the steps of a trajectory instead of sums, so that a long one does
            not outweigh a short one; beta is then to be larger.
        noise: share of the comparisons that are taken to be wrong (label smoothing, "conservative DPO").
        clone: weight of the log-likelihood of the preferred trajectories, a step, which is added to the loss.
        most_steps: of a trajectory that are read; the rest is cut off.
        pairs: of a gradient step.
        learning_rate: of Adam, which falls linearly to zero over --total-frames. An update counts as 2 x pairs x
            most_steps frames.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
    """

    comparisons: str = ""
    beta: float = 0.1
    per_step: bool = False
    noise: float = 0.0
    clone: float = 0.0
    most_steps: int = 64
    pairs: int = 32
    learning_rate: float = 3e-4
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        require_each(self, "most_steps", "pairs", least=1)
        require_each(self, "beta", "learning_rate", "max_grad_norm", above=0)
        require_each(self, "clone", least=0)
        require(0 <= self.noise < 0.5, f"noise is from 0 on and below .5, not {self.noise}")


class DPO(Algorithm):
    """Learns to make the trajectories that were preferred likelier, as against the agent that it starts from.

    No step is taken in the environments; they only say what the agent is built for. A "frame" is a step of a
    compared trajectory.

    Source: Rafailov et al. 2023, arXiv:2305.18290, equation 7, with trajectories for answers; ``noise`` as in Mitchell
    2023, "A note on DPO with noisy preferences"; ``clone`` as in Pang et al. 2024, arXiv:2404.19733; ``per_step`` as in
    Meng et al. 2024, arXiv:2405.14734.
    """

    Config: ClassVar[type[Any]] = DPOConfig
    section = "dpo"
    title: ClassVar[str] = "DPO"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.settings: DPOConfig = run.config.settings_of(DPOConfig)
        self.optimizer = torch.optim.Adam(run.agent.parameters(), lr=self.settings.learning_rate)
        self.step = GradientStep(self.optimizer, max_norm=self.settings.max_grad_norm)
        self.order = run.generator("comparisons")
        self._segments: Segments | None = None
        self._reference: tuple[Tensor, Tensor] | None = None  # log-probabilities of the trajectories [P]
        self._left = torch.zeros(0, dtype=torch.int64)  # pairs of the present pass that are still to come

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """There are comparisons, an agent to start from, and no other reward than theirs."""
        settings = config.settings_of(DPOConfig)
        require(
            bool(settings.comparisons),
            "algorithm 'dpo' needs a file of comparisons: --dpo.comparisons FILE (`groundling label RUN` makes one)",
        )
        require(bool(config.init), "algorithm 'dpo' starts from the agent whose trajectories were compared: --init RUN")
        require(
            config.reward == ("environment",),
            f"algorithm 'dpo' is paid by no reward: leave {', '.join(config.reward)} out",
        )

    @classmethod
    def schedules(cls, config: TrainConfig) -> tuple[str, ...]:
        """The learning rate, which always falls."""
        return ("the learning rate",)

    @classmethod
    def frames_per_update(cls, config: TrainConfig) -> int:
        """Steps of the trajectories of one update, if none ended early."""
        settings = config.settings_of(DPOConfig)
        return 2 * settings.pairs * settings.most_steps

    def start(self, seed: int) -> Observation:
        """Read the comparisons; the environments are reset and left alone.

        Raises:
            PreferenceFileError: if they cannot be read, or were made in other environments.
        """
        observation, _ = self.run.envs.reset(seed=seed)
        self._read()
        return dict(observation)

    def _read(self) -> None:
        run, path = self.run, self.settings.comparisons
        comparisons = Comparisons.load(path).labelled
        comparisons.check(run.agent.spec, path)
        self._segments = Segments.of(comparisons, run.agent, self.settings.most_steps)
        if self._reference is None:
            if run.initial is None:
                raise ConfigurationError("algorithm 'dpo' starts from another run's agent: --init RUN")
            with torch.no_grad():
                self._reference = log_likelihoods(run.initial, self._segments, self.settings.per_step)

    def collect(self) -> Tensor:
        """The numbers of the next pairs."""
        assert self._segments is not None
        if not len(self._left):
            self._left = torch.randperm(len(self._segments), generator=self.order, device=self.order.device)
        chosen, self._left = self._left[: self.settings.pairs], self._left[self.settings.pairs :]
        return chosen

    def update(self, batch: Tensor, progress: float) -> dict[str, float]:
        """A gradient step on some pairs.

        Returns:
            the loss; "agreement", how often the preferred trajectory gained on the other; "margin", the mean of beta
            times by how much; the preferred trajectories' log-probability a step; the gradient's norm.
        """
        assert self._segments is not None
        assert self._reference is not None
        config, part = self.settings, self._segments.take(batch)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * (1 - progress)
        first, second = log_likelihoods(self.run.agent, part, config.per_step)
        reference_first, reference_second = (values[batch] for values in self._reference)
        margin = config.beta * ((first - reference_first) - (second - reference_second))
        loss = dpo_loss(margin, part.target, config.noise)
        preferred = (part.target * first + (1 - part.target) * second) / self._steps_of(part)
        total = loss - config.clone * preferred.mean()
        norm = self.step(total)
        return {
            "loss": float(loss.detach()),
            "agreement": agreement(margin.detach(), part.target),
            "margin": float((margin.detach() * (2 * part.target - 1)).mean()),
            "preferred_log_prob": float(preferred.detach().mean()),
            "gradient_norm": float(norm),
            "learning_rate": config.learning_rate * (1 - progress),
        }

    def _steps_of(self, part: Segments) -> Tensor:
        """Steps [P] of the preferred trajectory of each pair, by which sums are divided; 1 where they are means."""
        if self.settings.per_step:
            return torch.ones_like(part.target)
        first, second = part.is_real.sum(dim=0).chunk(2)
        return part.target * first + (1 - part.target) * second

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        assert self._reference is not None
        return {
            "optimizer": self.optimizer.state_dict(),
            "order": self.order.get_state(),
            "left": self._left.clone(),
            "reference": torch.stack(self._reference),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        self.optimizer.load_state_dict(saved["optimizer"])
        restore_stream(self.order, saved["order"])
        self._left = saved["left"].to(self.order.device)
        first, second = saved["reference"].to(self.run.agent.device)
        self._reference = (first, second)
        self._read()


def log_likelihoods(agent: ActorCritic, segments: Segments, per_step: bool = False) -> tuple[Tensor, Tensor]:
    """Log pi(tau) = sum_t log pi(a_t | c, o_1 .. o_t) [P] of the first and of the second trajectory of each pair.

    Args:
        agent: whose policy pi is.
        segments: P pairs.
        per_step: give means over the steps instead of sums.
    """
    first, second = segments.of_actions(segments.logits(agent).log_softmax(dim=-1))
    if not per_step:
        return first, second
    steps_first, steps_second = segments.is_real.sum(dim=0).chunk(2)
    return first / steps_first, second / steps_second


def dpo_loss(margin: Tensor, target: Tensor, noise: float = 0.0) -> Tensor:
    """A mean over pairs of the loss of direct preference optimization.

    m = beta [(log pi(tau_1) - log ref(tau_1)) - (log pi(tau_2) - log ref(tau_2))]
    L = -[y log sigmoid(m) + (1 - y) log sigmoid(-m)],   y = (1 - noise) target + noise (1 - target)

    With target 1 and no noise it is -log sigmoid(beta [(log pi(tau+) - log ref(tau+)) - (log pi(tau-) - log
    ref(tau-))]).

    Args:
        margin: m [P].
        target: [P], 1 where the first is preferred, 0 where the second is, .5 where neither.
        noise: share of the preferences that are taken to be wrong.
    """
    smoothed = (1 - noise) * target + noise * (1 - target)
    return nn.functional.binary_cross_entropy_with_logits(margin, smoothed)
