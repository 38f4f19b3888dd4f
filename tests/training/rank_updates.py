"""One of several processes: updates of every algorithm by all of them, and by this one alone on the data of all."""

from __future__ import annotations

import copy
import dataclasses
import sys
from typing import Any

import torch
from parts import make_algorithm
from rank_processes import tell
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.training.algorithms.a2c import A2C, A2CConfig
from groundling.training.algorithms.drpo import DRPO, DRPOConfig
from groundling.training.algorithms.grpo import GRPO, GRPOConfig
from groundling.training.algorithms.imitation import BehaviorCloning, ImitationConfig
from groundling.training.algorithms.ppo import PPO, PPOConfig
from groundling.training.algorithms.ppo_kl import PPOKL, PPOKLConfig
from groundling.training.algorithms.reinforce import Reinforce, ReinforceConfig
from groundling.training.algorithms.rloo import RLOO, RLOOConfig
from groundling.training.algorithms.taught_collection import LABEL, NO_LABEL
from groundling.training.algorithms.vtrace import VTrace, VTraceConfig
from groundling.training.episodes import Episodes
from groundling.training.ranks import Ranks, join_job
from groundling.training.rollout import Rollout

ENVS, STEPS, EVERY = 8, 12, 8 * 12
STEPPED: dict[str, Any] = {"num_steps": STEPS, "num_epochs": 2, "minibatch_size": EVERY, "max_grad_norm": 0.05}
CASES: dict[str, tuple[Any, Any, str]] = {
    "ppo": (PPO, PPOConfig(**STEPPED), "none"),
    "ppo with a memory": (PPO, PPOConfig(**STEPPED), "gru"),
    "ppo without normalization": (PPO, PPOConfig(**STEPPED, normalize_advantage=False), "none"),
    "ppo_kl": (PPOKL, PPOKLConfig(**STEPPED), "none"),
    "a2c": (A2C, A2CConfig(num_steps=STEPS), "none"),
    "vtrace": (VTrace, VTraceConfig(num_steps=STEPS), "gru"),
    "bc": (BehaviorCloning, ImitationConfig(**STEPPED, inflection=3.0), "gru"),
    "reinforce": (Reinforce, ReinforceConfig(num_steps=STEPS, baseline="average"), "none"),
    "grpo": (GRPO, GRPOConfig(**{**STEPPED, "minibatch_size": 10**6}, group_size=2), "none"),
    "grpo with a memory": (GRPO, GRPOConfig(**{**STEPPED, "minibatch_size": 10**6}, group_size=2), "gru"),
    "rloo": (RLOO, RLOOConfig(num_steps=STEPS, group_size=2), "none"),
    "drpo": (DRPO, DRPOConfig(**{**STEPPED, "minibatch_size": 10**6}, group_size=2, domains="instructions"), "none"),
}
SMALL = AgentConfig(cell_dim=6, word_dim=5, instruction_dim=7, readout_dim=3, hidden_dim=8)


def make(kind: Any, agent: ActorCritic, settings: Any, num_envs: int, **options: Any) -> Any:
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(8)), num_envs=num_envs)
    return make_algorithm(kind, agent, settings, envs=envs, **options)


def parts_of_rollout(rollout: Rollout, ranks: Ranks) -> Rollout:
    """The environments of a rank."""
    own = slice(ranks.rank * ENVS // ranks.size, (ranks.rank + 1) * ENVS // ranks.size)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(rollout):
        if field.name == "host":
            continue
        value = getattr(rollout, field.name)
        if isinstance(value, dict):
            found[field.name] = {key: array[:, own].clone() for key, array in value.items()}
        else:
            found[field.name] = value[own].clone() if field.name.endswith("state") else value[:, own].clone()
    return Rollout(**found)


def groups_of_episodes(episodes: Episodes, ranks: Ranks, groups: int) -> Episodes:
    """So many of the groups for the first rank, the others for the second, as uneven as may be."""
    is_own = (episodes.group < groups) if ranks.is_first else (episodes.group >= groups)
    steps = is_own[episodes.episode]

    def numbered(array: Tensor) -> Tensor:
        return array.unique(return_inverse=True)[1] if len(array) else array

    arrays = {name: getattr(episodes, name)[steps] for name in ("action", "log_prob", "value", "reward")}
    return Episodes(
        **arrays,
        observation={key: array[steps] for key, array in episodes.observation.items()},
        columns={key: array[steps] for key, array in episodes.columns.items()},
        episode=numbered(episodes.episode[steps]),
        group=numbered(episodes.group[is_own]),
    )


def flat(agent: ActorCritic) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in agent.parameters()])


def compared(kind: Any, settings: Any, memory: str, ranks: Ranks, groups: int | None) -> dict[str, float]:
    """How far the agents of the two ways are apart after two updates, and from where they began."""
    torch.manual_seed(0)
    first = ActorCritic(dataclasses.replace(SMALL, memory=memory))
    whole, joint = copy.deepcopy(first), copy.deepcopy(first)
    alone = make(kind, whole, settings, ENVS)
    alone.start(3)
    if hasattr(alone.collector, "teacher_share"):
        alone.collector.teacher_share = 0.5
    batch: Any = alone.collect()
    while isinstance(batch, Episodes) and len(batch) < 6:
        batch = alone.collect()
    batch.reward.copy_(torch.rand(batch.reward.shape, generator=torch.Generator().manual_seed(4)))  # there are few
    if LABEL in (columns := batch.columns):
        columns[LABEL][:, : ENVS // 2][::3] = NO_LABEL  # the first rank has fewer labels than the second
    if isinstance(batch, Episodes):
        part: Any = groups_of_episodes(batch, ranks, int(batch.group.max()) // 3 if groups is None else groups)
    else:
        part = parts_of_rollout(batch, ranks)
    together = make(kind, joint, settings, ENVS // ranks.size, ranks=ranks)
    if hasattr(together.collector, "teacher_share"):
        together.collector.teacher_share = 0.5
    for _ in range(2):
        alone.update(batch, 0.0)
        together.update(part, 0.0)
    apart = float((flat(joint) - flat(whole)).abs().max())
    return {"apart": apart, "moved": float((flat(whole) - flat(first)).abs().max()), "sum": float(flat(joint).sum())}


def main(folder: str) -> None:
    torch.set_num_threads(1)
    ranks = join_job()
    found = {name: compared(*case, ranks, None) for name, case in CASES.items()}
    found["one has no episode"] = compared(*CASES["grpo"], ranks, 0)
    tell(folder, found)


if __name__ == "__main__":
    main(sys.argv[1])
