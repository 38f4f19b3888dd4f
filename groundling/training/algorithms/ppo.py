"""Proximal policy optimization: the clipped objective and the update of an agent from one rollout."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from groundling.agents.actor_critic import PreparedObservation
from groundling.seeding import integer
from groundling.setting_types import MAY_BE_INFINITE
from groundling.training.advantages import ADVANTAGE_METRICS, advantage_numbers, gae
from groundling.training.algorithms.auxiliary import auxiliary_losses, check_auxiliary
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss
from groundling.training.algorithms.base import OnPolicy, Run
from groundling.training.algorithms.reward_prediction import COLUMN as WAS_PAID
from groundling.training.algorithms.reward_prediction import RewardPrediction
from groundling.training.checks import require, require_each, require_shares
from groundling.training.recorders import Recorder, ReferencePolicy
from groundling.training.replicas import Learner
from groundling.training.rollout import Rollout

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimization with a clipped objective.

    Attributes:
        num_steps: T, number of steps of each environment in a rollout.
        num_epochs: number of passes over each rollout.
        minibatch_size: number of observations of a gradient step (with a memory, rounded to whole environments).
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount factor.
        gae_lambda: lambda of generalized advantage estimation (GAE).
        clip: clipping range of the probability ratio.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
        normalize_advantage: normalize the advantages to mean 0 and standard deviation 1 in each minibatch.
        bootstrap_truncated: bootstrap from the value of the last observation where the time limit truncates an episode.
            False treats the limit as part of the task. Source: Pardo et al. 2018, arXiv:1712.00378.
        subgoal_coef: weight of the subgoal loss of an agent with --agent.predicts-subgoal.
        symbol_coef: weight of the symbol loss of an agent with --agent.predicts-symbols.
        kl_coef: weight of a penalty on KL(policy || initial policy), in runs with --init.
        reward_coef: weight of the loss of a head that tells from the features whether the last step was paid.
    """

    num_steps: int = 16
    num_epochs: int = 4
    minibatch_size: int = 2048
    learning_rate: float = 1.5e-3
    anneal: bool = True
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = field(default=0.2, metadata=MAY_BE_INFINITE)  # A2C's has no end
    value_coef: float = 0.5
    entropy_coef: float = 0.01
    max_grad_norm: float = 0.5
    normalize_advantage: bool = True
    bootstrap_truncated: bool = True
    subgoal_coef: float = 0.0
    symbol_coef: float = 0.0
    kl_coef: float = 0.0
    reward_coef: float = 0.0

    def __post_init__(self) -> None:
        require_each(self, "subgoal_coef", "symbol_coef", "kl_coef", "reward_coef", least=0)
        require_each(self, "num_steps", "num_epochs", "minibatch_size", least=1)
        require_each(self, "learning_rate", "clip", "max_grad_norm", above=0)
        require_shares(self, "gamma", "gae_lambda")


def clipped_policy_loss(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """The negative clipped surrogate objective, a mean over the minibatch.

    L = -E[min(r A, clamp(r, 1 - clip, 1 + clip) A)],   r = exp(log_ratio)

    Source: Schulman et al. 2017, arXiv:1707.06347, equation 7.
    """
    ratio = log_ratio.exp()
    # the clipped term counts only where it is the lower one: a ratio that went the wrong way keeps its gradient
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean()


def explained_variance(value: Tensor, target: Tensor) -> Tensor:
    """1 - Var(target - value) / Var(target): 1 is perfect, 0 no better than a constant; NaN for constant targets."""
    spread = target.var()
    return torch.where(spread > 0, 1 - (target - value).var() / spread, torch.nan)


def kl_divergence(log_probs: Tensor, reference: Tensor) -> Tensor:
    """KL(policy || reference), a mean over the minibatch, of log-probabilities [..., A]."""
    return (log_probs.exp() * (log_probs - reference)).sum(dim=-1).mean()


class PPO(OnPolicy):
    """Proximal policy optimization with a clipped objective.

    Source: Schulman et al. 2017, arXiv:1707.06347; details as in Huang et al. 2022, "The 37 implementation details of
    proximal policy optimization" (value clipping left out).
    """

    Config: ClassVar[type[Any]] = PPOConfig
    is_distributed = splits_updates = True
    section = "ppo"
    plays_on_device = True
    title: ClassVar[str] = "PPO"

    def __init__(self, run: Run) -> None:
        self.ppo = self.as_ppo(run.config)
        super().__init__(run)
        self._minibatch_size(self.ppo.num_steps)  # refuses what the processes of the job do not divide
        self.prediction: RewardPrediction | None = None
        if self.ppo.reward_coef > 0:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(integer(run.config.seed, "reward prediction"))
                self.prediction = RewardPrediction(self.agent).to(self.agent.device)
            self.optimizer.add_param_group({"params": list(self.prediction.parameters())})

    @classmethod
    def as_ppo(cls, config: TrainConfig) -> PPOConfig:
        """The settings of a run as those of PPO."""
        return config.settings_of(PPOConfig)

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse what the settings ask of a run or an agent that does not have it."""
        super().check(config)
        settings = cls.as_ppo(config)
        check_auxiliary(config, settings)
        require(
            settings.kl_coef == 0 or bool(config.init),
            "kl_coef keeps PPO near the policy that it starts from: it needs an init",
        )

    def make_learner(self) -> Learner:
        """The head that predicts rewards as well."""
        return Learner(self.agent, self.auxiliary, self.prediction)

    def make_auxiliary(self) -> list[AuxiliaryLoss]:
        """Those of the settings."""
        return auxiliary_losses(self.agent, self.ppo)

    def make_recorders(self) -> list[Recorder]:
        """Of the labels of auxiliary losses and of the policy that the run is kept near to, where these are used."""
        run, found = self.run, super().make_recorders()
        if self.ppo.kl_coef > 0:
            initial = run.initial if run.initial is not None else copy.deepcopy(run.agent)
            found.append(ReferencePolicy(initial.requires_grad_(False), run.envs.num_envs))
        return found

    def policy_loss(self, log_probs: Tensor, log_ratio: Tensor, advantage: Tensor, noted: dict[str, Tensor]) -> Tensor:
        """What the policy loses in a minibatch; subclasses may have another objective.

        Args:
            log_probs: [..., A] of the policy as it is now.
            log_ratio: [...], log-probability of the actions now less that when they were drawn.
            advantage: [...].
            noted: the columns of the rollout, each [..., ...].
        """
        return clipped_policy_loss(log_ratio, advantage, self.ppo.clip)

    def more_columns(self, rollout: Rollout, prepared: PreparedObservation) -> dict[str, Tensor]:
        """Columns [T, B, ...] that are computed of a rollout before the first gradient step on it."""
        return {}

    def after_update(self, rollout: Rollout, prepared: PreparedObservation, columns: dict[str, Tensor]) -> None:
        """What is to be done after the last gradient step on a rollout; the columns are [T * B, ...]."""

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Several epochs of minibatch gradient steps on one rollout.

        Returns:
            Means over the minibatches of policy and value loss, entropy, approximate KL, clip fraction, gradient norm
            and how often that is clipped, and of the auxiliary losses and of reward prediction; explained variance and
            what ``advantage_numbers`` tells of the advantages, over the rollout.
        """
        config = self.ppo
        advantage = gae(
            rollout.reward,
            rollout.value,
            rollout.next_value,
            rollout.terminated if config.bootstrap_truncated else rollout.terminated | rollout.truncated,
            rollout.truncated,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
        )
        target = advantage + rollout.value
        prepared = self.prepared(rollout)
        flat = {
            "target": target.flatten(),
            "action": rollout.action.flatten(),
            "log_prob": rollout.log_prob.flatten(),
            "is_first": rollout.is_first.flatten(),
        }
        advantages = advantage.flatten()
        every = {**rollout.columns, **self.more_columns(rollout, prepared)}
        columns = {name: column.flatten(0, 1) for name, column in every.items()}
        if self.prediction is not None:
            columns[WAS_PAID] = self.prediction.labels(rollout).flatten(0, 1)

        def loss_of(
            learner: Learner, share: float, rows: Tensor, envs: Tensor, weight: Tensor
        ) -> tuple[Tensor, Tensor]:
            batch = {name: array[rows] for name, array in flat.items()}
            state = rollout.initial_state[envs]
            with learner.noting():
                decision = learner.agent(prepared.rows(rows.flatten()), state, batch["is_first"])
            log_probs = decision.logits.log_softmax(dim=-1)
            log_ratio = log_probs.gather(-1, batch["action"].unsqueeze(-1)).squeeze(-1) - batch["log_prob"]
            noted = {name: column[rows] for name, column in columns.items()}
            policy_loss = self.policy_loss(log_probs, log_ratio, weight, noted)
            value_loss = 0.5 * (decision.value - batch["target"]).square().mean()
            entropy = -(log_probs.exp() * log_probs).sum(dim=-1).mean()
            loss = policy_loss + config.value_coef * value_loss - config.entropy_coef * entropy
            if config.kl_coef > 0:
                loss = loss + config.kl_coef * kl_divergence(log_probs, noted["reference"].log_softmax(dim=-1))
            parts = [policy_loss, value_loss, entropy]
            for auxiliary in learner.auxiliary:
                parts.append(auxiliary(decision, noted))
                loss = loss + auxiliary.coefficient * parts[-1]
            if learner.head is not None:
                predicted = learner.head.loss(decision.features, noted[WAS_PAID])
                loss = loss + config.reward_coef * predicted
                parts.append(predicted)
            with torch.no_grad():
                ratio = log_ratio.exp()
                # of KL(old || new), from actions of the old policy: unbiased, and never negative as -log_ratio is
                kl = (ratio - 1 - log_ratio).mean()
                clipped = ((ratio - 1).abs() > config.clip).float().mean()
                return loss, torch.stack([kl, clipped, *parts])

        totals: list[Tensor] = []
        self.replicas.link()
        for rows, envs in self._minibatches(*rollout.action.shape):
            norm, noted = self.minibatch_step(loss_of, (rows, envs, self._normalized(advantages[rows])))
            totals.append(torch.cat([torch.stack([norm, (norm > config.max_grad_norm).float()]), noted]))
        self.after_update(rollout, prepared, columns)
        names = ["gradient_norm", "gradient_clipped", "approximate_kl", "clip_fraction"]
        names += ["policy_loss", "value_loss", "entropy"]
        names += [auxiliary.name for auxiliary in self.auxiliary]
        names += ["reward_prediction_loss"] if self.prediction is not None else []
        names += ["explained_variance", *ADVANTAGE_METRICS]
        of_rollout = [explained_variance(rollout.value, target).unsqueeze(0), advantage_numbers(advantage)]
        numbers = torch.cat([torch.stack(totals).mean(dim=0), *of_rollout])  # read at once: each time one waits
        return dict(zip(names, numbers.tolist(), strict=True))

    def _normalized(self, advantage: Tensor) -> Tensor:
        """The advantages [...] of a minibatch as the settings want them, by the minibatches of all processes."""
        if not self.ppo.normalize_advantage or advantage.numel() * self.ranks.size == 1:
            return advantage
        mean, spread = self.ranks.moments(advantage)
        return (advantage - mean) / (spread + 1e-8)

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        own = {} if self.prediction is None else {"prediction": self.prediction.state_dict()}
        return {**super().state_dict(), **own}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        super().load_state_dict(saved)
        if self.prediction is not None:
            self.prediction.load_state_dict(saved["prediction"])

    def _minibatch_size(self, steps: int) -> int:
        """Rows of a minibatch on this process or, with a memory, environments."""
        whole = self.ppo.minibatch_size
        if self.agent.state_dim:
            return self.own_envs(whole, steps)
        return self.ranks.share(whole, "observations of a minibatch")

    def _minibatches(self, steps: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows [T', B'] of the flattened rollout, and the environments [B'] whose first state they begin with.

        Without a memory rows are drawn one by one (T' = 1); with one, whole environments are (T' = T), so that the
        memory is run over them again from the rollout's first step.
        """
        device = self.agent.device
        has_memory = self.agent.state_dim > 0
        count = batch if has_memory else steps * batch
        size = self._minibatch_size(steps)
        time = torch.arange(steps, device=device).unsqueeze(1) * batch
        for _ in range(self.ppo.num_epochs):
            order = torch.randperm(count, generator=self.minibatches, device=device)
            for chosen in order.split(size):
                if has_memory:
                    yield time + chosen, chosen
                else:
                    yield chosen.unsqueeze(0), chosen % batch
