"""A reward learned from comparisons: an ensemble of networks r(instruction, observation, action)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.interfaces import Spec
from groundling.seeding import integer
from groundling.training.checks import require, require_each
from groundling.training.preferences.comparisons import Comparisons
from groundling.training.preferences.segments import Segments, agreement, preference_loss

COST_SHIFT = 3.0  # a step costs 5 % of the most at first, so that trajectories of 100 steps are still comparable
MIN_SPREAD = 1e-6  # of returns, below which they are not scaled


@dataclass(frozen=True)
class PreferencesConfig:
    """A reward learned from a file of comparisons, before the run begins.

    Attributes:
        comparisons: path of the file (`groundling label` makes one).
        costs: let no reward be above 0, so that going on for longer never pays: an episode ends when its goal is
            reached. False: rewards of either sign, for which an agent may come to loiter.
        members: networks whose rewards are averaged.
        epochs: passes over the comparisons, at most; the one with the least loss on held-out comparisons counts.
        pairs: pairs of a gradient step.
        learning_rate: of Adam.
        weight_decay: of Adam.
        held_out_share: of the comparisons, which are not learned from and tell when to stop.
        from_init: begin with the encoders of the agent that the run starts from (--init), as far as they fit.
    """

    comparisons: str = ""
    costs: bool = True
    members: int = 2
    epochs: int = 12
    pairs: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    held_out_share: float = 0.1
    from_init: bool = True

    def __post_init__(self) -> None:
        require_each(self, "members", "epochs", "pairs", least=1)
        require_each(self, "learning_rate", above=0)
        require_each(self, "weight_decay", least=0)
        require(0 <= self.held_out_share < 1, f"held_out_share is from 0 on and below 1, not {self.held_out_share}")


def member_config(agent: AgentConfig) -> AgentConfig:
    """The parts of an agent as those of a reward: without a memory, so that a reward is of one observation."""
    return replace(
        agent, memory="none", memory_reads=False, memory_finds=False, memory_skip=False, predicts_subgoal=False
    )


class PreferenceModel(nn.Module):
    """An ensemble of rewards.

    r(c, o, a) = scale * mean_i g(f_i(c, o)[a])

    where each f_i is a network as the agent's, whose policy head gives the A numbers, and g(x) = -sigmoid(x - 3), or,
    without ``costs``, tanh(x). ``scale`` makes the standard
    deviation of the returns of the compared trajectories 1.

    Args:
        agent: parts and sizes of the run's agent.
        spec: of its environments.
        config: settings.
        seed: of the first parameters and of the order of the comparisons.
    """

    scale: Tensor

    def __init__(self, agent: AgentConfig, spec: Spec, config: PreferencesConfig, seed: int) -> None:
        super().__init__()
        self.config = config
        self.seed = seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(seed, "reward model"))
            self.members = nn.ModuleList(ActorCritic(member_config(agent), spec) for _ in range(config.members))
        self.register_buffer("scale", torch.ones(()))

    @property
    def networks(self) -> list[ActorCritic]:
        """The members."""
        members: list[Any] = list(self.members)
        return members

    def take_encoders(self, agent: ActorCritic) -> None:
        """Begin with the parameters of an agent wherever one of the same name and shape is, its heads apart."""
        given = agent.state_dict()
        for member in self.networks:
            own = member.state_dict()
            fitting = {
                name: values
                for name, values in given.items()
                if name.split(".")[0] not in ("policy", "value", "memory", "core")
                and name in own
                and own[name].shape == values.shape
            }
            member.load_state_dict({**own, **fitting})

    def fit(self, comparisons: Comparisons) -> dict[str, float]:
        """Learn from comparisons; returns the agreement with those held out, and how many were learned from."""
        config, device = self.config, self.scale.device
        generator = torch.Generator(device).manual_seed(integer(self.seed, "comparisons"))
        segments = Segments.of(comparisons, self.networks[0])
        order = torch.randperm(len(segments), generator=generator, device=device)
        held = round(config.held_out_share * len(segments))
        kept, learned = segments.take(order[:held]) if held else None, segments.take(order[held:])
        for member in self.networks:
            self._fit_member(member, learned, kept, generator)
        with torch.no_grad():
            returns = torch.cat(self.returns(segments))
            spread = returns.std()
            self.scale.copy_(1 / spread if spread > MIN_SPREAD else torch.ones(()))
            told = {"comparisons": float(len(learned)), "agreement": self._agreement(learned)}
            if kept is not None:
                told["held_out_agreement"] = self._agreement(kept)
        return told

    def _fit_member(
        self, member: ActorCritic, learned: Segments, kept: Segments | None, generator: torch.Generator
    ) -> None:
        config = self.config
        optimizer = torch.optim.Adam(member.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        best, least = copy.deepcopy(member.state_dict()), float("inf")
        for _ in range(config.epochs):
            for pairs in learned.batches(config.pairs, generator):
                part = learned.take(pairs)
                loss = preference_loss(margin(member, part, config.costs), part.target)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                told = (
                    float(loss)
                    if kept is None
                    else float(preference_loss(margin(member, kept, config.costs), kept.target))
                )
            if kept is None or told < least:
                best, least = copy.deepcopy(member.state_dict()), told
        member.load_state_dict(best)

    @torch.no_grad()
    def returns(self, segments: Segments) -> tuple[Tensor, Tensor]:
        """The sums of rewards [P] of the first and of the second trajectory of each pair."""
        logits = torch.stack([bounded(segments.logits(member), self.config.costs) for member in self.networks]).mean(
            dim=0
        )
        return segments.of_actions(self.scale * logits)

    @torch.no_grad()
    def forward(self, observation: dict[str, Tensor], action: Tensor) -> Tensor:
        """Rewards [R] of actions [R] on observations [R, ...]."""
        total = torch.zeros(len(action), device=action.device)
        is_first = torch.ones(1, len(action), dtype=torch.bool, device=action.device)
        for member in self.networks:
            decided = member(member.prepare(observation), member.initial_state(len(action)), is_first)
            total += bounded(decided.logits[0], self.config.costs).gather(-1, action.unsqueeze(-1)).squeeze(-1)
        return self.scale * total / len(self.networks)

    def _agreement(self, segments: Segments) -> float:
        first, second = self.returns(segments)
        return agreement(first - second, segments.target)


def bounded(values: Tensor, costs: bool) -> Tensor:
    """Rewards of what a network gives: in (-1, 0), near 0 at first, or without ``costs`` in (-1, 1)."""
    return -(values - COST_SHIFT).sigmoid() if costs else values.tanh()


def margin(member: ActorCritic, segments: Segments, costs: bool) -> Tensor:
    """By how much the return of the first of each pair is larger, [P], before scaling."""
    first, second = segments.of_actions(bounded(segments.logits(member), costs))
    return first - second
