"""Models of Stable-Baselines3: their classes by name, and how one is made that trains an agent of ours."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.utils import LinearSchedule
from torch import nn

from groundling.agents.actor_critic import ActorCritic
from groundling.configuration import refuse_unknown
from groundling.errors import ConfigurationError
from groundling.extras import brought_by
from groundling.sb3.options import BY_THE_RUN, LINEAR, PACKAGES, RECURRENT, split_name
from groundling.sb3.trunk import policy_kwargs
from groundling.sb3.vec_env import GroundlingVecEnv


def find_model_class(name: str) -> type[Any]:
    """The class of an algorithm, ``"sb3:PPO"``.

    Raises:
        ConfigurationError: if no agent can be trained by it.
        MissingPackageError: if its package is not installed.
    """
    scheme, kind = split_name(name)
    with brought_by("sb3", f"{name} needs {PACKAGES[scheme]}"):
        return getattr(importlib.import_module(PACKAGES[scheme]), kind)


def check_options(kind: type[Any], options: Iterable[str]) -> None:
    """Refuse options that an algorithm does not have.

    Raises:
        ConfigurationError: naming the nearest one.
    """
    known = [name for name in inspect.signature(kind.__init__).parameters if name not in BY_THE_RUN]
    refuse_unknown(options, known, kind.__name__)


def make_model(
    kind: type[Any], envs: GroundlingVecEnv, agent: ActorCritic, options: Mapping[str, Any], *, frames: int, seed: int
) -> Any:
    """A model whose policy has the agent's encoders and linear heads of the agent's sizes.

    Args:
        kind: its class.
        envs: to train in.
        agent: whose parts it has; its parameters are not copied, see ``groundling.sb3.weights``.
        options: of the class.
        frames: of the whole run: what schedules are computed with, over all calls of ``learn``.
        seed: of its random streams.

    Raises:
        ConfigurationError: if the class refuses its options.
    """
    made = type(kind.__name__, (WholeRunSchedules, kind), {"run_frames": frames})
    own = dict(policy_kwargs(envs, agent.config))
    policy = policy_class(kind)
    if issubclass(policy, ActorCriticPolicy):
        own["ortho_init"] = False
    if kind.__name__ in RECURRENT:  # one LSTM under both heads, as the agent's memory
        own |= {"lstm_hidden_size": agent.config.memory_dim, "shared_lstm": True, "enable_critic_lstm": False}
    try:
        values = {name: schedule_of(name, value) for name, value in options.items()}
        model: Any = made(policy, envs, policy_kwargs=own, device=str(agent.device), seed=seed, **values)
    except (AssertionError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{kind.__name__} refuses its options: {error}") from error
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


def policy_class(kind: type[Any]) -> Any:
    """The policy for several fields; of TRPO one that tells all of the agent's parameters."""
    policy = next(made for name, made in kind.policy_aliases.items() if name.startswith("MultiInput"))
    return type(policy.__name__, (NamedParameters, policy), {}) if kind.__name__ == "TRPO" else policy


class NamedParameters(nn.Module):
    """A policy of TRPO, which takes every parameter with "value" in its name for the value's, and leaves it alone.

    An encoder's attention has keys and values as well, so the names of the trunk's parameters are changed for it.
    """

    def named_parameters(self, *args: Any, **options: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """As ``nn.Module`` has them."""
        for name, parameter in super().named_parameters(*args, **options):
            yield (name.replace("value", "val") if "features_extractor" in name else name), parameter


class WholeRunSchedules(BaseAlgorithm):
    """An algorithm whose schedules run over a whole run, however many calls of ``learn`` that is."""

    run_frames: int

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        remaining = 1.0 - num_timesteps / max(self.run_frames, 1)
        self._current_progress_remaining = max(0.0, remaining)


def schedule_of(name: str, value: Any) -> Any:
    """A value of an option, or of "linear:NUMBER" the schedule.

    Raises:
        ValueError: if no number follows.
    """
    if not isinstance(value, str) or not value.startswith(LINEAR):
        return value
    try:
        return LinearSchedule(float(value.removeprefix(LINEAR)), 0.0, 1.0)
    except ValueError as error:
        raise ValueError(f"{name} is {value!r}, a number is to follow {LINEAR}") from error
