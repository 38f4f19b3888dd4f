"""V-trace: an actor-critic whose rollouts are made by an older copy of the agent, as where they are made elsewhere."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.training.advantages import ADVANTAGE_METRICS, advantage_numbers, gae
from groundling.training.algorithms.base import OnPolicy, Run
from groundling.training.algorithms.ppo import explained_variance
from groundling.training.checks import require_each, require_shares
from groundling.training.collector import Collector
from groundling.training.recorders import Recorder
from groundling.training.rollout import Rollout


@dataclass(frozen=True)
class VTraceConfig:
    """An actor-critic with V-trace targets.

    Attributes:
        num_steps: T, number of steps of each environment in a rollout.
        lag: updates between two copies of the agent to the one that acts; with 1 it acts itself.
        learning_rate: initial learning rate of Adam.
        anneal: decrease the learning rate linearly to zero over --total-frames.
        gamma: discount factor.
        rho_bar: largest weight of an action by which values and policy are corrected.
        c_bar: largest weight by which a correction is handed on to the steps before.
        value_coef: weight of the value loss.
        entropy_coef: weight of the entropy bonus.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
        bootstrap_truncated: bootstrap from the value of the last observation where the time limit truncates an episode.
    """

    num_steps: int = 8
    lag: int = 4
    learning_rate: float = 5e-3
    anneal: bool = True
    gamma: float = 0.99
    rho_bar: float = 1.0
    c_bar: float = 1.0
    value_coef: float = 0.5
    entropy_coef: float = 3e-4
    max_grad_norm: float = 0.5
    bootstrap_truncated: bool = True

    def __post_init__(self) -> None:
        require_each(self, "num_steps", "lag", least=1)
        require_each(self, "learning_rate", "max_grad_norm", "rho_bar", "c_bar", above=0)
        require_each(self, "value_coef", least=0)
        require_shares(self, "gamma")


def vtrace(
    log_ratio: Tensor,
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    rho_bar: float = 1.0,
    c_bar: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Targets of the value, and advantages, of a rollout that another policy made.

    rho_t = min(rho_bar, pi(a_t) / mu(a_t)),   c_t = min(c_bar, pi(a_t) / mu(a_t))
    delta_t = rho_t (r_t + gamma (1 - terminated_t) V_{t+1} - V_t)
    v_t - V_t = delta_t + gamma c_t (1 - ended_t) (v_{t+1} - V_{t+1})
    A_t = rho_t (r_t + gamma (1 - terminated_t) v_{t+1} - V_t),   with V where the rollout or the episode ends

    Where pi = mu and both limits are 1 it is the n-step return, that is ``gae`` with lambda 1.

    Args:
        log_ratio: [T, B] log pi(a) - log mu(a), pi the policy that learns and mu the one that acted.
        reward: [T, B].
        value: [T, B], V of the policy that learns.
        next_value: [T, B]; where an episode was truncated, of its final observation.
        terminated: [T, B] bool.
        truncated: [T, B] bool.
        gamma: discount.
        rho_bar: see above; which policy's value is learned depends on it.
        c_bar: see above; how fast it is learned depends on it.

    Returns:
        v [T, B] and A [T, B].

    Raises:
        ConfigurationError: if the arrays do not share one [T, B].

    Source: Espeholt et al. 2018 (IMPALA), arXiv:1802.01561, equation 1 and section 4.2.
    """
    # its checks are these, and of plain advantages with lambda 0 it gives the temporal differences
    difference = gae(reward, value, next_value, terminated, truncated, gamma=gamma, gae_lambda=0.0)
    ratio = log_ratio.exp()
    rho, c = ratio.clamp(max=rho_bar), ratio.clamp(max=c_bar)
    goes_on = (~(terminated | truncated)).to(reward.dtype)
    correction = torch.empty_like(reward)  # v - V
    advantage = torch.empty_like(reward)
    following = torch.zeros_like(reward[0])  # v_{t+1} - V_{t+1}, 0 beyond the rollout
    for step in reversed(range(len(reward))):
        ahead = gamma * goes_on[step] * following
        advantage[step] = rho[step] * (difference[step] + ahead)
        correction[step] = following = rho[step] * difference[step] + c[step] * ahead
    return value + correction, advantage


class LaggingCollector(Collector):
    """Plays an older agent; values beyond the rollout are those of the agent that learns.

    Attributes:
        learner: the agent that learns; set right after it is made.
    """

    learner: ActorCritic

    def _value(self, observation: dict[str, Any], numbers: dict[str, Tensor], state: Tensor) -> Tensor:
        if self.learner.device.type == "cpu":
            return self._value_by(self.learner, observation, numbers, state)
        with self.learner.inference_cache():
            return self._value_by(self.learner, observation, numbers, state)


class VTrace(OnPolicy):
    """An actor-critic that learns from rollouts of an older policy, corrected by V-trace: one gradient step on each.

    Between two copies the actor stays as it is, as it does where actors run elsewhere and parameters reach them late.
    With a memory the learner starts each rollout from the actor's state.

    Source: Espeholt et al. 2018 (IMPALA), arXiv:1802.01561.
    """

    Config: ClassVar[type[Any]] = VTraceConfig
    plays_halves = False
    is_distributed = True
    section = "vtrace"
    title: ClassVar[str] = "V-trace"

    def __init__(self, run: Run) -> None:
        self.actor = copy.deepcopy(run.agent).requires_grad_(False)
        self._updates = 0
        super().__init__(run)

    def make_collector(self, recorders: list[Recorder]) -> Collector:
        """What plays the actor."""
        run = self.run
        made = LaggingCollector(
            run.envs,
            self.actor,
            self.settings.num_steps,
            run.generator("actions"),
            rewards=run.rewards,
            statistics=run.statistics,
            recorders=recorders,
        )
        made.learner = run.agent
        return made

    def collect(self) -> Rollout:
        """Play T steps with the actor, which gets the learner's parameters first where it is time."""
        if self._updates % self.settings.lag == 0:
            self.actor.load_state_dict(self.agent.state_dict())
        self._updates += 1
        return super().collect()

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """One gradient step.

        Returns:
            policy and value loss, entropy, approximate KL(actor || learner), the mean of the weights rho, the share of
            actions whose weight was cut, gradient norm and whether it was clipped, explained variance, and what
            ``advantage_numbers`` tells.
        """
        config = self.settings
        decision = self.agent(self.prepared(rollout), rollout.initial_state, rollout.is_first)
        log_probs = decision.logits.log_softmax(dim=-1)
        log_prob = log_probs.gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
        log_ratio, value = log_prob.detach() - rollout.log_prob, decision.value.detach()
        next_value = torch.cat([value[1:], rollout.next_value[-1:]])
        next_value = torch.where(rollout.truncated & ~rollout.terminated, rollout.next_value, next_value)
        target, advantage = vtrace(
            log_ratio,
            rollout.reward,
            value,
            next_value,
            rollout.terminated if config.bootstrap_truncated else rollout.terminated | rollout.truncated,
            rollout.truncated,
            gamma=config.gamma,
            rho_bar=config.rho_bar,
            c_bar=config.c_bar,
        )
        policy_loss = -(log_prob * advantage).mean()
        value_loss = 0.5 * (decision.value - target).square().mean()
        entropy = -(log_probs.exp() * log_probs).sum(dim=-1).mean()
        norm = self.step(policy_loss + config.value_coef * value_loss - config.entropy_coef * entropy)
        ratio = log_ratio.exp()
        told = {
            "policy_loss": policy_loss.detach(),
            "value_loss": value_loss.detach(),
            "entropy": entropy.detach(),
            "approximate_kl": (ratio - 1 - log_ratio).mean(),
            "mean_weight": ratio.clamp(max=config.rho_bar).mean(),
            "weights_cut": (ratio > config.rho_bar).float().mean(),
            "gradient_norm": norm,
            "gradient_clipped": (norm > config.max_grad_norm).float(),
            "explained_variance": explained_variance(value, target),
        }
        numbers = torch.cat([torch.stack(list(told.values())), advantage_numbers(advantage)])  # read at once
        return dict(zip([*told, *ADVANTAGE_METRICS], numbers.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        return {**super().state_dict(), "actor": self.actor.state_dict(), "updates": self._updates}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        super().load_state_dict(saved)
        self.actor.load_state_dict(saved["actor"])
        self._updates = saved["updates"]
