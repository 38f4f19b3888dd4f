"""The collector of environments on a GPU: observations, actions and rewards never leave the device.

The host waits for the device once a rollout, to learn which episodes ended in it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.errors import ConfigurationError
from groundling.training.collector import Collector
from groundling.training.rollout import Rollout

NOTES = ("ended", "cut", "return", "length", "success", "row")  # of a step, what the host is told of


class DeviceCollector(Collector):
    """Plays an agent in a ``DeviceVectorEnv`` (made with ``copy=False``) and keeps what it saw.

    Args and errors are those of :class:`Collector`; besides:

    Raises:
        ConfigurationError: if the environments copy what they return, the agent is not on their device, or a reward
            other than the environments' own is asked for, which is computed on the host.
    """

    def __init__(self, envs: VectorEnv, *args: Any, **options: Any) -> None:
        own: Any = envs.unwrapped
        if own.copy:
            raise ConfigurationError("these environments copy what they return at each step: make them with copy=False")
        super().__init__(envs, *args, **options)
        self._views: dict[int, tuple[Any, Tensor]] = {}
        device = self.agent.device
        if not self.rewards.is_plain:
            raise ConfigurationError(
                f"{', '.join(self.rewards.terms)}: rewards other than the environments' own are computed on the CPU, "
                "set env_device to 'cpu' with them"
            )
        steps, batch = self.rollout.action.shape
        self._view(own.worlds.outcomes.reward)  # refuses another device before the first episode
        # float64 holds every number of them exactly
        self._notes = torch.zeros(len(NOTES), steps, batch, dtype=torch.float64, device=device)
        self._final: dict[str, Tensor] = {}
        if self.needs_next_values:
            self._final = {key: torch.zeros_like(array) for key, array in self.rollout.observation.items()}

    def start(self, seed: int) -> None:
        """Begin the first episodes."""
        super().start(seed)
        self.observation = {key: self._view(self.observation[key]) for key in self.keys}

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        with ExitStack() as stack:
            for cache in self._caches():
                stack.enter_context(cache)
            self._play()
        self.rewards.settle(self.rollout)
        return self.rollout

    def _play(self) -> None:
        out = self.rollout
        self.state = out.final_state.clone()
        out.initial_state.copy_(self.state)
        self.is_first = self.is_first.to(self.agent.device)
        states: list[Tensor] = []
        for step in range(len(out.action)):
            for recorder in self.recorders:
                recorder.before_step(out, step)
            if self.recorders:
                self._before.send(step)  # what they noted on the host; before what is written on the device
            for key in self.keys:
                out.observation[key][step].copy_(self.observation[key])
            out.is_first[step].copy_(self.is_first)
            action = self.act(step)
            out.action[step] = action
            self._step_there(step, action)
            if self._final and self.state.shape[1]:
                states.append(self.state)
        out.final_state.copy_(self.state)
        notes = dict(zip(NOTES, self._notes.cpu().numpy(), strict=True))  # the one time that the host waits
        self._note_episodes(notes)
        if self._final:
            self._note_values(notes["cut"] != 0, states)

    def _step_there(self, step: int, action: Tensor) -> None:
        """Step the environments, and note on the device what they answer."""
        out, view = self.rollout, self._view
        seen, reward, terminated, truncated, info = self.envs.step(action)
        self.observation = {key: view(seen[key]) for key in self.keys}
        out.reward[step].copy_(view(reward))
        out.terminated[step].copy_(view(terminated))
        out.truncated[step].copy_(view(truncated))
        told = info["final_info"]
        ended = view(info["_final_info"])
        self.is_first = ended.clone()
        notes = (
            ended,
            out.truncated[step] & ~out.terminated[step],
            view(told["episode"]["r"]),
            view(told["episode"]["l"]),
            view(told["success"]),
            view(told["episode_row"]),
        )
        for column, array in zip(self._notes, notes, strict=True):
            column[step].copy_(array)
        for key, array in self._final.items():
            array[step].copy_(view(info["final_obs"][key]))

    def _note_episodes(self, notes: dict[str, NDArray[np.float64]]) -> None:
        """Note the episodes that ended, step by step as :class:`Collector` does."""
        own: Any = self.envs.unwrapped
        for step, ended in enumerate(notes["ended"] != 0):
            if ended.any():
                final = {
                    "episode": {"r": notes["return"][step], "l": notes["length"][step]},
                    "success": notes["success"][step] != 0,
                    "task": own.mixture.task_of(notes["row"][step].astype(np.int64)),
                }
                self.statistics.add({"final_info": final}, ended)

    def _note_values(self, cut: NDArray[np.bool_], states: list[Tensor]) -> None:
        """Note the value of what follows each step; where an episode was cut off [T, B], of its final observation."""
        out = self.rollout
        out.next_value[:-1] = out.value[1:]
        out.next_value[-1] = self._value(self.observation, {"is_first": self.is_first}, self.state)
        places = torch.from_numpy(np.flatnonzero(cut)).to(self.agent.device)
        if len(places):
            final = {key: array.flatten(0, 1).index_select(0, places) for key, array in self._final.items()}
            state = self.state.new_zeros(len(places), 0)  # of an agent without memory
            if states:
                state = torch.stack(states).flatten(0, 1).index_select(0, places)
            none = torch.zeros(len(places), dtype=torch.bool, device=self.agent.device)
            out.next_value.view(-1).index_copy_(0, places, self._value(final, {"is_first": none}, state))

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        super().load_state_dict(saved)
        self.observation = {key: self._view(self.observation[key]) for key in self.keys}

    def _view(self, array: Any) -> Tensor:
        """An array of the environments as a tensor on the same memory; they write the same ones at every step."""
        known = self._views.get(id(array))
        if known is None:
            tensor = tensor_of(array, self.agent.device)
            if tensor is None:
                raise ConfigurationError(
                    f"the agent is on {self.agent.device} and the environments are not: set device and env_device to "
                    "the same GPU"
                )
            known = self._views[id(array)] = (array, tensor)  # the array is held, so that no other gets its number
        return known[1]


def tensor_of(array: Any, device: torch.device) -> Tensor | None:
    """A tensor on the memory of an array of the environments; None if that is not on this device.

    Under Numba's simulator, whose device is the host, the tensor is there.
    """
    interface = getattr(array, "__cuda_array_interface__", None)
    if interface is None:
        return torch.from_numpy(np.asarray(array)) if device.type == "cpu" else None
    if device.type != "cuda":
        return None
    tensor = torch.as_tensor(array, device=device)
    return tensor if tensor.data_ptr() == interface["data"][0] else None  # another GPU's would be a copy
