"""A saved model of Stable-Baselines3 as a policy that evaluation can play."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from groundling.errors import CheckpointError, ConfigurationError
from groundling.interfaces import Observation, Spec
from groundling.sb3.models import find_model_class


class ModelPolicy:
    """A model of Stable-Baselines3 that acts.

    Models of action values always take the best action; an LSTM's state is this policy's memory.

    Args:
        model: whose policy acts.
        spec: of the environments.

    Raises:
        ConfigurationError: if the model was trained on other observations or actions.
    """

    def __init__(self, model: Any, spec: Spec) -> None:
        self.policy = model.policy
        self.policy.set_training_mode(False)
        space = model.observation_space
        if not isinstance(space, spaces.Dict):
            raise ConfigurationError(
                f"the model reads one {type(space).__name__} {list(space.shape or ())}, these environments have "
                f"fields: {', '.join(spec.observation)}"
            )
        missing = [key for key in space.spaces if key not in spec.observation]
        if missing:
            raise ConfigurationError(
                f"the model reads {', '.join(missing)}, these environments have {', '.join(spec.observation)}: "
                "evaluate it on a task like the one that it was trained on"
            )
        if not isinstance(model.action_space, spaces.Discrete) or model.action_space.n != spec.num_actions:
            raise ConfigurationError(f"the model acts by {model.action_space}, here are {spec.num_actions} actions")
        for key, own in space.spaces.items():
            shape, theirs = own.shape or (), spec.observation[key].shape
            if sorted(shape) != sorted(theirs):  # pictures may be transposed
                raise ConfigurationError(
                    f"{key} is {list(theirs)} in these environments, the model was trained on {list(shape)}: evaluate "
                    "it on a task like the one that it was trained on"
                )
        self.keys = tuple(space.spaces)
        self.observation_keys = self.keys
        layers, _, size = getattr(self.policy, "lstm_hidden_state_shape", (0, 1, 0))
        self._memory = (layers, size)

    def initial_state(self, num_envs: int) -> Tensor:
        """An LSTM's state [B, M] before an episode; [B, 0] without one."""
        layers, size = self._memory
        return torch.zeros(num_envs, 2 * layers * size)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """Actions [B], and the memory after the step; drawn by the generator's stream."""
        seen = {key: np.asarray(observation[key]) for key in self.keys}
        layers, size = self._memory
        before = None
        if layers:
            parts = state.unflatten(1, (2, layers, size)).permute(1, 2, 0, 3).numpy()
            before = (parts[0], parts[1])
        with torch.random.fork_rng(devices=[]):
            if generator is not None:
                torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            actions, after = self.policy.predict(seen, before, np.asarray(is_first), deterministic=greedy)
        if layers:
            state = torch.from_numpy(np.stack(after)).permute(2, 0, 1, 3).flatten(1)
        return np.asarray(actions, dtype=np.int64), state

    def inference_cache(self) -> AbstractContextManager[None]:
        """Nothing to keep."""
        return nullcontext()


def load_model_policy(name: str, path: Path, spec: Spec) -> ModelPolicy:
    """The policy of a model that was saved by ``model.save``.

    Args:
        name: of its class, ``"sb3:PPO"``.
        path: of the file.
        spec: of the environments.

    Raises:
        CheckpointError: if there is no such file, or it cannot be read as such a model.
        ConfigurationError: if the class has another name, or the model does not suit the environments.
    """
    kind = find_model_class(name)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}: save a model by model.save(...)")
    try:
        model = kind.load(path, device="cpu")
    except Exception as error:  # a torn file, another class, or other versions: of many classes
        raise CheckpointError(
            f"{path} cannot be read as a model of {name}: {str(error) or type(error).__name__}"
        ) from error
    return ModelPolicy(model, spec)
