"""Imitation: the update of an agent towards the actions of a teacher, from the same rollouts as PPO's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import torch
from torch import Tensor
from torch.nn import functional

from groundling.agents.bots import Sight
from groundling.interfaces import Teacher
from groundling.training.advantages import gae
from groundling.training.algorithms.auxiliary import auxiliary_losses, check_auxiliary
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss
from groundling.training.algorithms.base import OnPolicy, Run
from groundling.training.algorithms.taught_collection import LABEL, NO_LABEL, TaughtCollector, TeacherLabels
from groundling.training.checks import require, require_each, require_shares
from groundling.training.recorders import Recorder
from groundling.training.replicas import Learner
from groundling.training.rollout import Rollout
from groundling.training.teachers import Recording, find_teacher

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig


@dataclass(frozen=True)
class ImitationConfig:
    """Imitation of an expert: "bc", behavior cloning (the expert acts), or "dagger" (it labels the agent's states).

    Attributes:
        expert: what the expert observes: "explored" (the cells observed so far; an agent can imitate it) or "world"
            (the full state). That of the rover knows the full state always.
        demonstrations: for "bc", path of a file of recorded demonstrations (`groundling demos`); without one the expert
            acts in new episodes.
        mixing: for "dagger", share of training over which beta, the share of expert actions, decreases linearly from 1
            to kept_share.
        inflection: weight, in the loss, of frames in which the expert's action differs from that of the frame before
            (Wijmans et al. 2019, arXiv:1904.03461). Such frames are rare and matter most. 1 weights all frames equally.
        kept_share: for "dagger", final share of expert actions (DAgger's beta). Above 0 the expert frees an agent that
            is stuck; where episodes are long, stuck agents would otherwise fill the rollouts.
        handover: for "dagger", probability at each step that the expert takes over and acts until the episode ends; 0:
            the expert acts at single steps instead. Use it where the last action matters most (an answer): an agent
            that has not given it yet would leave the place, and could no longer observe what the expert's label is
            about. With it, beta is the share of episodes in which the expert acts from the start.
        num_steps: T, number of steps of each environment in a rollout, and of back-propagation through the memory.
        num_epochs: number of passes over each rollout.
        minibatch_size: number of observations of a gradient step, rounded to whole environments.
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        gamma: discount factor of the return that the value function learns.
        gae_lambda: lambda of the return estimate, as in GAE.
        subgoal_coef: weight of the subgoal loss of an agent with --agent.predicts-subgoal.
        symbol_coef: weight of the symbol loss of an agent with --agent.predicts-symbols.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
    """

    expert: Sight = "explored"
    demonstrations: str = ""
    mixing: float = 0.3
    kept_share: float = 0.0
    inflection: float = 1.0
    handover: float = 0.0
    num_steps: int = 20
    num_epochs: int = 1
    minibatch_size: int = 320
    learning_rate: float = 1e-3
    anneal: bool = True
    value_coef: float = 0.1
    entropy_coef: float = 0.0
    gamma: float = 0.99
    gae_lambda: float = 0.95
    subgoal_coef: float = 0.0
    symbol_coef: float = 0.0
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        require_each(self, "subgoal_coef", "symbol_coef", least=0)
        require(self.expert in get_args(Sight), f"expert is one of {', '.join(get_args(Sight))}, not {self.expert!r}")
        require_each(self, "num_steps", "num_epochs", "minibatch_size", least=1)
        require_each(self, "learning_rate", "max_grad_norm", "inflection", above=0)
        require_shares(self, "gamma", "gae_lambda", "mixing", "kept_share", "handover")


class Imitation(OnPolicy):
    """Behavior cloning on the states of a rollout, whoever acted in them.

    Environments go through one episode after the other and a rollout cuts them where it ends; the memory's state is
    carried from one rollout to the next and gradients are not (truncated back-propagation through time). So every frame
    of a [T, B] rollout is one to learn from, and none is padding.

    The value learns the return of whoever acted, so that PPO can go on from the agent.

    Source: Ross et al. 2011, arXiv:1011.0686 (DAgger); behavior cloning as in Chevalier-Boisvert et al. 2019,
    arXiv:1810.08272, section 4.
    """

    Config: ClassVar[type[Any]] = ImitationConfig
    plays_halves = False
    is_distributed = splits_updates = True
    section = "imitation"
    collector: TaughtCollector

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.own_envs(self.settings.minibatch_size, self.settings.num_steps)  # refuses what ranks do not divide

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse what the settings ask of a run or an agent that does not have it."""
        super().check(config)
        settings = config.settings_of(ImitationConfig)
        check_auxiliary(config, settings)
        require(
            not (settings.demonstrations and config.tasks),
            "a file of demonstrations is of one task: give --task, not --tasks",
        )

    @classmethod
    def demonstrations(cls, config: TrainConfig) -> str:
        """The file of recorded demonstrations, if there is one."""
        return config.settings_of(ImitationConfig).demonstrations

    def make_auxiliary(self) -> list[AuxiliaryLoss]:
        """Those of the settings."""
        return auxiliary_losses(self.agent, self.settings)

    def make_collector(self, recorders: list[Recorder]) -> TaughtCollector:
        """What plays the agent and its teacher."""
        run = self.run
        return TaughtCollector(
            run.envs,
            run.agent,
            self.settings.num_steps,
            run.generator("actions"),
            labels=TeacherLabels(self._make_teacher()),
            rewards=run.rewards,
            statistics=run.statistics,
            recorders=recorders,
        )

    def _make_teacher(self) -> Teacher:
        run = self.run
        if run.demonstrations is not None:
            return Recording(run.envs, run.demonstrations)
        return find_teacher(run.envs, run.config, self.settings.expert)

    def teacher_share(self, progress: float) -> float:
        """How often the teacher acts after this share of the run."""
        raise NotImplementedError

    def train_once(self, progress: float) -> dict[str, float]:
        """One collection and one update; returns the metrics."""
        self.collector.teacher_share = self.teacher_share(progress)
        self.collector.handover = self.settings.handover
        return super().train_once(progress)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Gradient steps towards the labels of one rollout; the memory after it goes into ``rollout.final_state``.

        Returns:
            Means over the minibatches of the imitation loss (cross-entropy), accuracy (how often the likeliest action
            is the teacher's), value loss, entropy, gradient norm and how often it is clipped, the share of the
            teacher's actions and, if they are learned, the auxiliary losses.
        """
        config: ImitationConfig = self.settings
        labels = rollout.columns[LABEL]
        prepared = self.prepared(rollout)
        steps, batch = labels.shape
        rows = torch.arange(steps * batch, device=self.agent.device).unflatten(0, (steps, batch))
        weights = inflection_weights(labels, rollout.is_first, config.inflection) if config.inflection != 1 else None
        whole: tuple[Tensor, Tensor] | None = None  # of a minibatch: frames with a label, and their weights

        def loss_of(learner: Learner, share: float, envs: Tensor) -> tuple[Tensor, Tensor]:
            is_first, label = rollout.is_first[:, envs], labels[:, envs]
            with learner.noting():
                decision = learner.agent(prepared.rows(rows[:, envs].flatten()), rollout.initial_state[envs], is_first)
            rollout.final_state[envs] = decision.state.detach()
            weight = None if weights is None else weights[:, envs]
            loss, accuracy, entropy = imitation_loss(decision.logits, label, weight)
            if whole is not None:
                count, weighed = (own / (share * mean) for own, mean in zip(counted(label, weight), whole, strict=True))
                loss, accuracy, entropy = loss * weighed, accuracy * count, entropy * count
            value_loss = 0.5 * (decision.value - self._returns(rollout, envs, decision.value)).square().mean()
            total = loss + config.value_coef * value_loss - config.entropy_coef * entropy
            parts = [loss, accuracy, value_loss, entropy]
            columns = {name: column[:, envs] for name, column in rollout.columns.items()} if learner.auxiliary else {}
            for auxiliary in learner.auxiliary:
                parts.append(auxiliary(decision, columns))
                total = total + auxiliary.coefficient * parts[-1]
            return total, torch.stack([part.detach() for part in parts])

        totals: list[Tensor] = []
        self.replicas.link()
        for envs in self._minibatches(steps, batch):
            if self.ranks.size > 1 or len(self.replicas.learners) > 1:
                own = torch.stack(counted(labels[:, envs], None if weights is None else weights[:, envs]))
                count, weighed = self.ranks.mean(own).clamp(min=1 / self.ranks.size)
                whole = count, weighed
            norm, noted = self.minibatch_step(loss_of, (envs,))
            clipped = (norm > config.max_grad_norm).float()
            totals.append(torch.cat([torch.stack([norm, clipped]), noted]))
        names = ["gradient_norm", "gradient_clipped", "imitation_loss", "accuracy", "value_loss", "entropy"]
        names += [auxiliary.name for auxiliary in self.auxiliary]
        metrics = dict(zip(names, torch.stack(totals).mean(dim=0).tolist(), strict=True))
        return {**metrics, "teacher_share": self.collector.teacher_share}

    def _returns(self, rollout: Rollout, envs: Tensor, value: Tensor) -> Tensor:
        """Targets [T, B'] of the value, from its own estimates in this rollout.

        What follows the last step, and what would have followed a step at which time ran out, is taken to be worth as
        much as that step itself.
        """
        value = value.detach()
        truncated, terminated = rollout.truncated[:, envs], rollout.terminated[:, envs]
        next_value = torch.cat([value[1:], value[-1:]])
        next_value = torch.where(truncated & ~terminated, value, next_value)
        advantage = gae(
            rollout.reward[:, envs],
            value,
            next_value,
            terminated,
            truncated,
            gamma=self.settings.gamma,
            gae_lambda=self.settings.gae_lambda,
        )
        return advantage + value

    def _minibatches(self, steps: int, batch: int) -> Iterator[Tensor]:
        """Environments [B'] of each minibatch: whole ones, so that the memory runs over all of their steps."""
        size = self.own_envs(self.settings.minibatch_size, steps)
        for _ in range(self.settings.num_epochs):
            yield from torch.randperm(batch, generator=self.minibatches, device=self.agent.device).split(size)


class BehaviorCloning(Imitation):
    """Imitation of a teacher that acts itself."""

    summary: ClassVar[str] = "behavior cloning: the expert acts, the agent learns to act as it does"
    title: ClassVar[str] = "behavior cloning"

    def teacher_share(self, progress: float) -> float:
        """Always."""
        return 1.0


class DAgger(Imitation):
    """Imitation of a teacher that labels the states which the agent visits, and acts less and less."""

    summary: ClassVar[str] = "DAgger: the agent acts more and more, the expert says what it would have done"
    title: ClassVar[str] = "DAgger"

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """No expert is in recorded demonstrations."""
        super().check(config)
        recorded = config.settings_of(ImitationConfig).demonstrations
        require(
            not recorded,
            f"recorded demonstrations ({recorded}) teach algorithm 'bc' only: no expert of 'dagger' is in them",
        )

    @classmethod
    def schedules(cls, config: TrainConfig) -> tuple[str, ...]:
        """The expert's share of the actions as well."""
        return (*super().schedules(config), "the expert's share of the actions")

    def teacher_share(self, progress: float) -> float:
        """Less and less, down to the share that is kept."""
        settings: ImitationConfig = self.settings
        kept, updates = settings.kept_share, round(progress * self.run.config.num_updates)
        falling = settings.mixing * self.run.config.num_updates
        return max(kept, 1 - (1 - kept) * updates / falling) if falling else kept


def inflection_weights(label: Tensor, is_first: Tensor, inflection: float) -> Tensor:
    """Weights [T, B] of frames: ``inflection`` where the label is not that of the frame before, else 1.

    The first frame of an episode, and of a rollout, is no inflection. Source: Wijmans et al. 2019, arXiv:1904.03461.

    Args:
        label: [T, B] int64 actions; ``NO_LABEL`` where the teacher knew none.
        is_first: [T, B] bool, whether the frame begins an episode.
        inflection: the weight.
    """
    changes = (label[1:] != label[:-1]) & ~is_first[1:].bool() & (label[:-1] != NO_LABEL)
    weight = torch.ones(label.shape, device=label.device)
    weight[1:].masked_fill_(changes, inflection)
    return weight


def counted(label: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """By how much the means of :func:`imitation_loss` are divided: frames with a label [], and their weights []."""
    has_label = label != NO_LABEL
    count = has_label.sum().float()
    return count, count if weight is None else (weight * has_label).sum()


def imitation_loss(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy of the teacher's actions, accuracy and entropy, means over the frames that have a label.

    Args:
        logits: [T, B, A] of the policy.
        label: [T, B] int64 actions; ``NO_LABEL`` where the teacher knew none.
        weight: [T, B] of the frames in the mean of the cross-entropy; None counts all alike.
    """
    log_probs = logits.log_softmax(dim=-1)
    has_label = label != NO_LABEL
    count = has_label.sum().clamp(min=1)
    flat, labels = log_probs.flatten(0, 1), label.flatten()
    if weight is None:
        loss = functional.nll_loss(flat, labels, ignore_index=NO_LABEL, reduction="sum") / count
    else:
        each = functional.nll_loss(flat, labels, ignore_index=NO_LABEL, reduction="none")
        weights = weight.flatten() * has_label.flatten()
        loss = (each * weights).sum() / weights.sum().clamp(min=1)
    accuracy = ((logits.argmax(dim=-1) == label) & has_label).sum() / count
    entropy = -((log_probs.exp() * log_probs).sum(dim=-1) * has_label).sum() / count
    return loss, accuracy, entropy
