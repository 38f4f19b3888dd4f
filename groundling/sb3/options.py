"""Algorithms of Stable-Baselines3 by their names, and their options; nothing here imports it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Final

from groundling.errors import ConfigurationError

PACKAGES: Final = {"sb3": "stable_baselines3", "sb3contrib": "sb3_contrib"}
SUPPORTED: Final = {"sb3": ("PPO", "A2C", "DQN"), "sb3contrib": ("TRPO", "QRDQN", "RecurrentPPO")}
OFF_POLICY: Final = ("DQN", "QRDQN")
RECURRENT: Final = ("RecurrentPPO",)
LINEAR: Final = "linear:"  # before a number: it falls linearly to zero over the run

# Why others cannot train an agent.
REASONS: Final = {
    **dict.fromkeys(("SAC", "TD3", "DDPG", "TQC", "CrossQ"), "it is for continuous actions, these are discrete"),
    "MaskablePPO": "it needs environments that tell masks; --algorithm ppo keeps to a mask of the observation",
    "ARS": "it searches for the parameters of small policies without gradients",
    "HER": "it is a replay buffer, not an algorithm",
}
# Set by the run, not by an option.
BY_THE_RUN: Final = frozenset(
    {
        *("self", "policy", "env", "policy_kwargs", "seed", "device", "verbose", "tensorboard_log"),
        *("_init_setup_model", "monitor_wrapper", "stats_window_size", "use_sde", "sde_sample_freq", "action_noise"),
        *("replay_buffer_class", "replay_buffer_kwargs", "rollout_buffer_class", "rollout_buffer_kwargs"),
        "optimize_memory_usage",
    }
)


def split_name(name: str) -> tuple[str, str]:
    """The scheme and the algorithm of a name such as ``"sb3:PPO"``.

    Raises:
        ConfigurationError: if no agent can be trained by it; the message says why.
    """
    scheme, _, kind = name.partition(":")
    names = [f"{s}:{one}" for s, kinds in SUPPORTED.items() for one in kinds]
    known = ", ".join(names)
    if kind in REASONS:
        raise ConfigurationError(f"{name} cannot train an agent: {REASONS[kind]}. There are {known}")
    if kind not in SUPPORTED.get(scheme, ()):
        right = next((one for one in names if one.partition(":")[2].lower() == kind.lower()), "")
        hint = f"; did you mean {right}?" if right else f": there are {known}"
        raise ConfigurationError(f"there is no algorithm {name!r} of Stable-Baselines3 to train with{hint}")
    return scheme, kind


def defaults(kind: str, num_envs: int, n_steps: Any = 16) -> dict[str, Any]:
    """Options that suit many environments side by side; all others are Stable-Baselines3's own.

    Those of PPO are ``--algorithm ppo``'s. A minibatch is the largest of at most 2,048 frames that divides a rollout.
    With a replay buffer, there is a gradient step for every 8 frames, values are discounted by .95, and their targets
    renewed every 512 frames. With SB3's own .99 agents in these worlds learn nothing in short runs: a step that changes
    nothing, as picking up in front of a wall, is worth gamma times what its place is worth, so values that are
    estimated too high at first (as maxima of estimates are) fall by that factor only with each renewal, and until they
    have fallen the best action is often one that changes nothing, forever. TRPO, whose value learns with a layer of its
    own only, is discounted by .95 for the same reason, and has more and larger steps of the value.

    Args:
        kind: of the algorithm.
        num_envs: B.
        n_steps: of a rollout.
    """
    frames = num_envs * n_steps if isinstance(n_steps, int) and n_steps > 0 else 1
    minibatch = next(size for size in range(min(2048, frames), 0, -1) if frames % size == 0)
    rollout = {"n_steps": 16, "batch_size": minibatch}
    learned = {"learning_rate": LINEAR + "0.0015", "ent_coef": 0.01, "n_epochs": 4}
    replay = {
        "learning_rate": 5e-4,
        "gamma": 0.95,
        "buffer_size": 100_000,
        "learning_starts": 5_000,
        "batch_size": 128,
        "train_freq": 1,
        "gradient_steps": max(1, num_envs // 8),
        "target_update_interval": max(512, num_envs),
        "exploration_fraction": 0.3,
        "exploration_final_eps": 0.05,
    }
    known: dict[str, dict[str, Any]] = {
        "PPO": {**rollout, **learned},
        "A2C": {"n_steps": 8, "learning_rate": LINEAR + "0.0007", "ent_coef": 0.01},
        "TRPO": {
            "n_steps": 32,
            "batch_size": rollout["batch_size"],
            "gamma": 0.95,
            "n_critic_updates": 40,
            "learning_rate": 3e-3,
        },
        "RecurrentPPO": {**rollout, **learned},
        "DQN": replay,
        "QRDQN": replay,
    }
    return known[kind]


def read_options(texts: Sequence[str]) -> dict[str, Any]:
    """Options written as NAME=VALUE; values are Python's, or text.

    Raises:
        ConfigurationError: if one is not of this form, or is named twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, is_there, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not is_there or not name.isidentifier() or not value:
            raise ConfigurationError(f"an option is written as NAME=VALUE, as in learning_rate=0.001, not {text!r}")
        if name in found:
            raise ConfigurationError(f"the option {name} is given twice")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found
