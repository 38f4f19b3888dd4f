"""What algorithms have in common that learn from whole episodes: how they collect them, and one update for all."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor

from groundling.interfaces import Observation
from groundling.training.advantages import ADVANTAGE_METRICS, advantage_numbers
from groundling.training.algorithms.base import OnPolicy, Run
from groundling.training.checks import require
from groundling.training.episodes import Episodes, EpisodeStore
from groundling.training.groups import Groups
from groundling.training.recorders import Recorder, ReferencePolicy
from groundling.training.replicas import Learner

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

Normalization = Literal["step", "trajectory"]


@dataclass(frozen=True)
class Objective:
    """What an update makes of advantages; the settings of each algorithm say what it is.

    Attributes:
        num_epochs: passes over the episodes.
        minibatch_size: steps of a gradient step (with a memory, rounded to whole episodes); 0: all.
        clip: clipping range of the probability ratio; infinity clips nothing.
        normalize_by: "step" or "trajectory", see :func:`step_weights`.
        kl_coef: weight of the KL to the initial policy.
        value_coef: weight of the value loss, towards the returns to go.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient.
        gamma: discount of the returns.
    """

    num_epochs: int
    minibatch_size: int
    clip: float
    normalize_by: Normalization
    kl_coef: float
    value_coef: float
    entropy_coef: float
    max_grad_norm: float
    gamma: float

    def __post_init__(self) -> None:
        known = get_args(Normalization)
        require(self.normalize_by in known, f"normalize_by is {' or '.join(known)}, not {self.normalize_by!r}")


def step_weights(episodes: Episodes, normalize_by: Normalization, mean_length: float | None = None) -> Tensor:
    """How much each step [R] counts, with mean 1.

    "step":        1/R sum_i sum_t L_it                every step alike, a long episode more than a short one
    "trajectory":  1/N sum_i 1/|o_i| sum_t L_it        every episode alike

    Args:
        episodes: N of them.
        normalize_by: see above.
        mean_length: of the episodes, where these are a part of them only.

    Source: "trajectory" as in Shao et al. 2024, arXiv:2402.03300, equation 3; "step" as in Yu et al. 2025 (DAPO),
    arXiv:2503.14476, section 3.3.
    """
    if normalize_by == "step":
        return torch.ones_like(episodes.reward)
    length = episodes.length.to(episodes.reward.dtype)
    return ((length.mean() if mean_length is None else mean_length) / length)[episodes.episode]


def surrogate_loss(log_ratio: Tensor, advantage: Tensor, weight: Tensor, clip: float) -> Tensor:
    """-sum_t w_t min(r_t A_t, clamp(r_t, 1 - clip, 1 + clip) A_t) / sum_t w_t,   r_t = exp(log_ratio_t)

    Where the acting policy is the present one its gradient is that of -E[A log pi(a)].

    Source: Schulman et al. 2017, arXiv:1707.06347, equation 7.
    """
    ratio = log_ratio.exp()
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -weighted_mean(gain, weight)


def k3(log_prob: Tensor, reference: Tensor) -> Tensor:
    """An estimate of KL(policy || reference) from actions of the policy: unbiased, and never negative.

    k3 = q/p - 1 - log(q/p),   p = policy(a), q = reference(a)

    Args:
        log_prob: log p of the actions taken.
        reference: log q of the same.

    Source: Schulman 2020, "Approximating KL divergence"; in Shao et al. 2024, arXiv:2402.03300, equation 4.
    """
    log_ratio = reference - log_prob
    return log_ratio.exp() - 1 - log_ratio


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Sum w x / sum w."""
    return (weight * values).sum() / weight.sum()


class Episodic(OnPolicy):
    """Learns from whole episodes of its own agent. Steps of an episode that is not over wait for its end.

    Subclasses say what an update is (:meth:`objective`) and what an action was worth (:meth:`advantages`).

    Attributes:
        store: the steps that wait.
    """

    is_distributed = splits_updates = True
    group_size = 1  # G, roll-outs of an episode; more where a subclass plays groups

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.loss = self.objective(self.settings)
        self.store = EpisodeStore(run.envs.num_envs, self.group_size)

    @classmethod
    @abstractmethod
    def objective(cls, settings: Any) -> Objective:
        """What an update makes of the advantages, by the algorithm's settings."""

    @abstractmethod
    def advantages(self, episodes: Episodes) -> Tensor:
        """What each action was worth, [R] float32."""

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse what the settings ask of a run that does not have it."""
        super().check(config)
        require(
            cls.objective(config.settings_of(cls.Config)).kl_coef == 0 or bool(config.init),
            f"kl_coef keeps {cls.title} near the policy that it starts from: it needs an init",
        )

    @classmethod
    def trains_value(cls, config: TrainConfig) -> bool:
        """As the objective says: a weight in the settings may be of another baseline than the one chosen."""
        return cls.objective(config.settings_of(cls.Config)).value_coef > 0

    def make_recorders(self) -> list[Recorder]:
        """Of the policy that the run is kept near to, where it is."""
        found, run = super().make_recorders(), self.run
        if self.objective(self.settings).kl_coef > 0 and run.initial is not None:
            found.append(ReferencePolicy(run.initial, run.envs.num_envs))
        return found

    def collect(self) -> Episodes:  # type: ignore[override] # what is whole now, of this rollout and of earlier ones
        """Play T steps; returns the episodes that are whole now."""
        return self.store.add(self.collector.collect())

    def learn(self, episodes: Episodes) -> dict[str, float]:  # type: ignore[override]
        """Gradient steps on whole episodes; none where there are none.

        Returns:
            ``learned_episodes``; means over the minibatches of the losses, entropy, approximate KL to the policy that
            acted, clip fraction, gradient norm and how often that is clipped; what ``advantage_numbers`` tells of the
            advantages of the steps.
        """
        ranks, loss = self.ranks, self.loss
        frames, count = ranks.total(torch.tensor([len(episodes.action), len(episodes)])).tolist()
        if not count:
            return {"learned_episodes": 0.0}
        advantage = self.advantages(episodes)
        target = episodes.returns_to_go(loss.gamma)
        weight = step_weights(episodes, loss.normalize_by, frames / count if ranks.size > 1 else None)
        prepared = self.agent.prepare(episodes.observation) if len(episodes) else None
        reference = self._reference(episodes)
        whole: Tensor | None = None  # the weights of a minibatch, where this is not all of it

        def loss_of(learner: Learner, share: float, rows: Tensor, is_real: Tensor) -> tuple[Tensor, Tensor]:
            # where nothing is padding, nobody has to look where it is
            real = None if learner.agent.state_dim == 0 else is_real.flatten().nonzero().squeeze(1)
            log_probs, value = self._decide(learner, prepared, rows, is_real, real)
            kept = rows.flatten() if real is None else rows.flatten()[real]
            log_prob = log_probs.gather(-1, episodes.action[kept].unsqueeze(-1)).squeeze(-1)
            log_ratio, own = log_prob - episodes.log_prob[kept], weight[kept]
            policy_loss = surrogate_loss(log_ratio, advantage[kept], own, loss.clip)
            entropy = weighted_mean(-(log_probs.exp() * log_probs).sum(dim=-1), own)
            value_loss = 0.5 * weighted_mean((value - target[kept]).square(), own)
            divergence = torch.zeros_like(entropy)
            if reference is not None:
                divergence = weighted_mean(k3(log_prob, reference[kept]), own)
            if whole is not None:  # of means by weight, that of a part counts by the part's weight
                counts = own.sum() / (share * whole)
                policy_loss, entropy = counts * policy_loss, counts * entropy
                value_loss, divergence = counts * value_loss, counts * divergence
            total = policy_loss - loss.entropy_coef * entropy + loss.kl_coef * divergence
            if loss.value_coef > 0:  # a head that is not trained is to have no gradient, not one of zero
                total = total + loss.value_coef * value_loss
            with torch.no_grad():
                ratio = log_ratio.exp()
                kl = (ratio - 1 - log_ratio).mean()
                clipped = ((ratio - 1).abs() > loss.clip).float().mean()
                return total, torch.stack([policy_loss, entropy, kl, clipped, value_loss, divergence])

        totals: list[Tensor] = []
        self.replicas.link()
        for batch in self._minibatches(episodes, frames, count):
            if ranks.size > 1 or len(self.replicas.learners) > 1:
                own = weight.new_zeros(()) if batch is None else weight[batch[0][batch[1]]].sum()
                whole = ranks.mean(own)
            if batch is None:
                self.step(None)  # the other processes have something to learn from
                continue
            norm, noted = self.minibatch_step(loss_of, batch)
            cut = (norm > loss.max_grad_norm).float()
            totals.append(torch.cat([noted[:4], torch.stack([norm, cut]), noted[4:]]))
        if not totals:
            return {"learned_episodes": 0.0}
        names = ["policy_loss", "entropy", "approximate_kl", "clip_fraction", "gradient_norm", "gradient_clipped"]
        names += ["value_loss", "reference_kl"]
        numbers = torch.cat([torch.stack(totals).mean(dim=0), advantage_numbers(advantage)])  # read at once
        metrics = dict(zip([*names, *ADVANTAGE_METRICS], numbers.tolist(), strict=True))
        left_out = {"value_loss": loss.value_coef == 0, "reference_kl": reference is None}
        metrics = {name: value for name, value in metrics.items() if not left_out.get(name, False)}
        return {**metrics, "learned_episodes": float(len(episodes))}

    def _reference(self, episodes: Episodes) -> Tensor | None:
        """Log-probabilities [R] that the reference gives to the actions; None without one."""
        if "reference" not in episodes.columns:
            return None
        log_probs = episodes.columns["reference"].log_softmax(dim=-1)
        return log_probs.gather(-1, episodes.action.unsqueeze(-1)).squeeze(-1)

    def _decide(
        self, learner: Learner, prepared: Any, rows: Tensor, is_real: Tensor, real: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities [r, A] and values [r] of the steps that are there, row after row of [L, n]; ``real`` [r]
        says which these are, None: all.
        """
        is_first = torch.zeros_like(is_real)
        is_first[0] = True  # what the memory holds before it has no effect
        state = learner.agent.initial_state(rows.shape[1])
        with learner.noting():
            decision = learner.agent(prepared.rows(rows.flatten()), state, is_first)
        log_probs, value = decision.logits.log_softmax(dim=-1).flatten(0, 1), decision.value.flatten()
        return (log_probs, value) if real is None else (log_probs[real], value[real])

    def _minibatches(self, episodes: Episodes, frames: int, count: int) -> Iterator[tuple[Tensor, Tensor] | None]:
        """Rows [L, n] of steps and where there is a step; with a memory whole episodes, else steps one by one (L = 1).

        Without a memory it does not matter where an episode begins, so each step stands for itself. Processes that
        train together have as many minibatches, None where one has no episode left.

        Args:
            episodes: of this process.
            frames: their steps on all processes.
            count: the episodes of all processes.
        """
        device, own = self.agent.device, len(episodes.action)
        size = self.loss.minibatch_size or frames
        has_memory = self.agent.state_dim > 0
        every = frames
        if has_memory:
            every, own, size = count, len(episodes), max(1, size // max(1, frames // count))
        for _ in range(self.loss.num_epochs):
            order = torch.randperm(own, generator=self.minibatches, device=device)
            parts = order.split(size) if self.ranks.size == 1 else order.tensor_split(math.ceil(every / size))
            for chosen in parts:
                if not len(chosen):
                    yield None
                elif has_memory:
                    yield episodes.grid(chosen)
                else:
                    yield chosen.unsqueeze(0), torch.ones(1, len(chosen), dtype=torch.bool, device=device)

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        return {**super().state_dict(), "episodes": self.store.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        super().load_state_dict(saved)
        self.store.load_state_dict(saved["episodes"], self.agent.device)
        if saved["collector"]["envs"] is None:  # which go on with new episodes
            self.store.forget()


class Grouped(Episodic):
    """Learns from groups of roll-outs of the same episode, of a task whose episodes stand in a bank."""

    def __init__(self, run: Run) -> None:
        self.group_size = run.config.settings_of(self.Config).group_size
        own = run.envs.num_envs
        require(
            own % self.group_size == 0,
            f"the groups of {self.group_size} roll-outs do not divide the {own} environments of each of the "
            f"{run.ranks.size} processes: give --num-envs a multiple of {self.group_size * run.ranks.size}",
        )
        super().__init__(run)

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Groups fill the environments."""
        super().check(config)
        size = config.settings_of(cls.Config).group_size
        require(
            config.num_envs % size == 0,
            f"the groups of {size} roll-outs do not divide {config.num_envs} environments: give --num-envs a multiple "
            f"of --{cls.section}.group-size, such as {max(1, config.num_envs // size) * size}",
        )

    def make_recorders(self) -> list[Recorder]:
        """The groups as well."""
        self.groups = Groups(self.run.envs, self.group_size, self.run.seed, self.section)
        return [self.groups, *super().make_recorders()]

    def start(self, seed: int) -> Observation:
        """Begin the first episodes; returns their observations [B, ...]."""
        self.groups.begin()
        return super().start(seed)
