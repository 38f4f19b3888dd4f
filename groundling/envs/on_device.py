"""Where environments are stepped: the way from an option's name to those on a GPU, which are imported only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.families.options import check_env_device
from groundling.errors import ConfigurationError

if TYPE_CHECKING:
    from groundling.envs.device_vector import DeviceVectorEnv


def device_envs(
    bank: EpisodeBank | TaskMixture, num_envs: int, *, device: str, render_mode: str | None = None, **options: Any
) -> DeviceVectorEnv:
    """B environments on a GPU; arguments and errors as of ``DeviceVectorEnv``.

    Raises:
        ConfigurationError: if pictures are asked for as well, which only the host draws.
    """
    check_env_device(device)
    if render_mode is not None:
        raise ConfigurationError(f"pictures are drawn on the CPU: leave render_mode out with env_device={device!r}")
    from groundling.envs.device_vector import DeviceVectorEnv

    return DeviceVectorEnv(bank, num_envs, device=device, **options)
