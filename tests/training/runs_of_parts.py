"""Small runs of every algorithm, encoder, fusion and memory, for tests of what they do on a device."""

from __future__ import annotations

from typing import Any

from groundling.agents import AgentConfig
from groundling.envs.first_person import Camera
from groundling.training import PPOConfig
from groundling.training.algorithms.a2c import A2CConfig
from groundling.training.algorithms.drpo import DRPOConfig
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.algorithms.ppo_kl import PPOKLConfig
from groundling.training.algorithms.reinforce import ReinforceConfig
from groundling.training.algorithms.rloo import RLOOConfig
from groundling.training.algorithms.vtrace import VTraceConfig

T = 6  # steps of a rollout
SIZES: dict[str, Any] = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}
SMALL: dict[str, Any] = {"word_dim": 5, "instruction_dim": 7, "hidden_dim": 8}
PARTS: dict[str, Any] = {"num_steps": T, "minibatch_size": 24}
USUAL: dict[str, Any] = {"ppo": PPOConfig(**PARTS, num_epochs=2)}  # two passes of two minibatches

ALGORITHMS: dict[str, dict[str, Any]] = {
    "ppo": {},
    "ppo with what it can learn besides": {
        "ppo": PPOConfig(**PARTS, num_epochs=1, subgoal_coef=0.1, reward_coef=0.1),
        "agent": AgentConfig(**SIZES, predicts_subgoal=True),
    },
    "ppo, paid for distances": {"reward": ("environment", "distance")},
    "a2c": {"algorithm": "a2c", "settings": (A2CConfig(num_steps=T),)},
    "ppo_kl": {"algorithm": "ppo_kl", "settings": (PPOKLConfig(**PARTS, num_epochs=2),)},
    "vtrace": {"algorithm": "vtrace", "settings": (VTraceConfig(num_steps=T),)},
    "reinforce": {"algorithm": "reinforce", "settings": (ReinforceConfig(num_steps=T),)},
    # longer, so that groups of episodes are whole
    "rloo": {"algorithm": "rloo", "settings": (RLOOConfig(num_steps=2 * T, group_size=4),)},
    "grpo": {"algorithm": "grpo", "settings": (GRPOConfig(num_steps=2 * T, minibatch_size=48, group_size=4),)},
    "drpo": {"algorithm": "drpo", "settings": (DRPOConfig(num_steps=2 * T, minibatch_size=48, group_size=4),)},
    "bc": {"algorithm": "bc", "imitation": ImitationConfig(**PARTS)},
    "dagger": {
        "algorithm": "dagger",
        "imitation": ImitationConfig(**PARTS, mixing=0.0, kept_share=0.5, inflection=2.0),
    },
    "dagger with handover": {
        "algorithm": "dagger",
        "imitation": ImitationConfig(**PARTS, mixing=0.0, kept_share=0.5, handover=0.1),
    },
}
AGENTS: dict[str, dict[str, Any]] = {
    **{kind: {"fusion": kind} for kind in ("gated", "film", "concat", "cross_attention")},
    **{kind: {"language": kind} for kind in ("contextual", "gru", "bigru", "transformer")},
    "lstm": {"memory": "lstm", "memory_dim": 6, "time_dim": 3},
    "gru that skips": {"memory": "gru", "memory_dim": 6, "memory_skip": True},
    "convolved": {"vision": "convolved"},
    "scene": {"vision": "scene", "map_radius": 3},
    "map": {"map_radius": 3},
    "gru that reads and finds": {
        **{"memory": "gru", "memory_dim": 6, "memory_reads": True, "memory_finds": True},
        **{"map_radius": 3, "map_ways": True},
    },
}
ROVERS: dict[str, dict[str, Any]] = {
    "cnn": {"vision": "cnn", "conv_channels": (4, 4, 8), "attributes": 2, "readout_dim": 3, **SMALL},
    "chaplot": {
        **{"vision": "chaplot", "conv_channels": (4, 4, 4), "fusion": "gated", "language": "gru"},
        **{"memory": "lstm", "memory_dim": 6, **SMALL},
    },
}


def symbols(name: str) -> dict[str, Any]:
    """Changes of a run whose agent sees symbols."""
    return {"agent": AgentConfig(**SIZES, **AGENTS[name])}


def pictures(name: str) -> dict[str, Any]:
    """Changes of a run whose agent sees pictures."""
    size = 64 if name == "chaplot" else 24
    return {"body": "rover", "camera": Camera(width=size, height=size), "agent": AgentConfig(**ROVERS[name])}
