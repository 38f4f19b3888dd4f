"""Algorithms of Stable-Baselines3 (``--algorithm sb3:PPO``, ``sb3contrib:TRPO``) as algorithms of a run.

A model of theirs has the run's agent as its network (``groundling.sb3.weights``) and learns in the run's environments;
after each update the agent gets its parameters, so that checkpoints, evaluation and everything else know an agent only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.vector import GroundlingVectorEnv
from groundling.interfaces import Observation
from groundling.sb3.models import check_options, find_model_class, make_model
from groundling.sb3.options import LINEAR, OFF_POLICY, RECURRENT, defaults, read_options, split_name
from groundling.sb3.randomness import OwnRandomness, set_stream, stream_text
from groundling.sb3.trunk import CachedCollection
from groundling.sb3.vec_env import GroundlingVecEnv
from groundling.sb3.weights import adopt, check_agent, publish
from groundling.seeding import integer
from groundling.training.algorithms.base import Algorithm, Run
from groundling.training.checks import require, require_each
from groundling.training.divergence import check_parameters
from groundling.training.environments import SavableEnvs
from groundling.training.statistics import RunningEpisodes

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

COUNTERS: Final = ("num_timesteps", "_n_updates", "_episode_num", "_n_calls", "exploration_rate")
PROGRESS: Final = "_current_progress_remaining"
OURS: Final = {"approximate_kl": ("approx_kl", 1.0), "entropy": ("entropy_loss", -1.0)}  # metrics by our names as well
REPLAY: Final = ("actions", "rewards", "dones", "timeouts")


@dataclass(frozen=True)
class SB3Config:
    """An algorithm of Stable-Baselines3, in the environments and with the agent of the run.

    Attributes:
        options: of the algorithm's class, as NAME=VALUE: learning_rate=0.001 n_steps=128. linear:0.001 falls linearly
            to zero over --total-frames. Others are those of groundling.sb3.options.defaults, else the class's own.
        steps_per_update: of algorithms with a replay buffer, steps of each environment between two lines of the log.
        temperature: of algorithms that learn action values, by which these are divided to be the agent's logits; the
            smaller, the more often the agent takes the action of the highest value (--greedy always does).
        replay_megabytes: a larger replay buffer is not kept in checkpoints, and filled anew when the run is resumed.
    """

    options: tuple[str, ...] = ()
    steps_per_update: int = 32
    temperature: float = 0.01
    replay_megabytes: int = 64

    def __post_init__(self) -> None:
        require_each(self, "steps_per_update", least=1)
        require_each(self, "temperature", above=0)
        require_each(self, "replay_megabytes", least=0)
        read_options(self.options)


class SB3Algorithm(Algorithm):
    """Learns as a class of Stable-Baselines3 does; subclasses say which.

    A run that is resumed goes on with the parameters, the optimizers, the random streams and, where they can be saved,
    the environments and the replay buffer. Algorithms without a replay buffer then go on as if never interrupted.

    Attributes:
        name: of the class, ``"sb3:PPO"``.
        model: an instance of it.
        envs: the run's environments as the model steps them.

    Raises:
        ConfigurationError: if the agent or the options do not suit the class.
        MissingPackageError: if the class's package is not installed.
    """

    Config: ClassVar[type[Any]] = SB3Config
    section = "sb3"
    name: ClassVar[str]
    undefined = frozenset({"explained_variance", "ep_rew_mean", "ep_len_mean", "success_rate"})

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        config = run.config
        self.settings: SB3Config = config.settings_of(SB3Config)
        check_agent(run.agent, self.name, is_recurrent=split_name(self.name)[1] in RECURRENT)
        self._unreported = (
            None if isinstance(run.envs.unwrapped, GroundlingVectorEnv) else RunningEpisodes(config.num_envs)
        )
        self.envs = GroundlingVecEnv(run.envs, self._note)
        self.randomness = OwnRandomness()
        with self.randomness.used():
            self.model: Any = make_model(
                find_model_class(self.name),
                self.envs,
                run.agent,
                self.options(config),
                frames=config.num_updates * config.rollout_frames,
                seed=integer(config.seed, "stable-baselines3") % 2**31,
            )
        self._is_adopted = False

    @classmethod
    def options(cls, config: TrainConfig) -> dict[str, Any]:
        """The options of the class in a run."""
        kind = split_name(cls.name)[1]
        own = read_options(config.settings_of(SB3Config).options)
        return {**defaults(kind, config.num_envs, own.get("n_steps", 16)), **own}

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """The options are the class's, and there is no other reward than the environment's.

        Raises:
            MissingPackageError: if the class's package is not installed.
        """
        check_options(find_model_class(cls.name), read_options(config.settings_of(SB3Config).options))
        require(
            config.reward == ("environment",) and config.reward_weights in ((), (1.0,)),
            f"{cls.name} is paid by the environment alone: leave --reward {' '.join(config.reward)} and its weights "
            "out, or use --algorithm ppo",
        )
        steps, frequency = config.settings_of(SB3Config).steps_per_update, cls.options(config).get("train_freq", 1)
        require(
            isinstance(frequency, int) and frequency >= 1 and steps % frequency == 0,
            f"steps_per_update is a multiple of train_freq, a number of steps: {steps} is not one of {frequency}",
        )
        length = cls.options(config).get("n_steps", 1)
        require(isinstance(length, int) and length >= 1, f"n_steps is an integer of at least 1, not {length!r}")

    @classmethod
    def schedules(cls, config: TrainConfig) -> tuple[str, ...]:
        """Options that fall linearly, and exploration."""
        falling = tuple(k for k, v in cls.options(config).items() if isinstance(v, str) and v.startswith(LINEAR))
        return (*falling, *["exploration"] * (split_name(cls.name)[1] in OFF_POLICY))

    @classmethod
    def frames_per_update(cls, config: TrainConfig) -> int:
        """Observations of one rollout, or between two lines of the log."""
        is_off_policy = split_name(cls.name)[1] in OFF_POLICY
        steps = config.settings_of(SB3Config).steps_per_update if is_off_policy else cls.options(config)["n_steps"]
        return config.num_envs * int(steps)

    def start(self, seed: int) -> Observation:
        """Begin the first episodes."""
        self.envs.seed(seed)
        self._show(self.envs.reset())
        self.model._last_episode_starts = np.ones(self.envs.num_envs, dtype=np.bool_)
        self.run.rewards.begin()
        return self.envs.observation

    def _show(self, observation: dict[str, NDArray[Any]]) -> None:
        """Have the model go on from an observation [B, ...], in which it may want pictures to be transposed."""
        transpose = getattr(self.model.env, "transpose_observations", None)
        self.model._last_obs = observation if transpose is None else transpose(observation)

    def _note(self, info: dict[str, Any], reward: NDArray[Any], ended: NDArray[np.bool_]) -> None:
        """Note the episodes that ended in a step."""
        if self._unreported is not None:
            info = self._unreported.reported(info, reward, ended)
        if ended.any():
            self.run.statistics.add(info, ended)

    def collect(self) -> None:
        """Have the model step and learn; the two are not apart in it."""
        if not self._is_adopted:  # only now is the agent what it begins with: it may have been calibrated
            adopt(self.model, self.run.agent, self.settings.temperature)
            self._is_adopted = True
        callback = None if split_name(self.name)[1] in OFF_POLICY else CachedCollection()
        try:
            with self.randomness.used():
                self.model.learn(self.run.config.rollout_frames, callback, log_interval=None, reset_num_timesteps=False)
        except (ValueError, RuntimeError):  # distributions refuse what is not finite
            check_parameters(self.model.policy.state_dict())
            raise

    def update(self, batch: None, progress: float) -> dict[str, float]:
        """Give the agent what the model has learned; its metrics."""
        publish(self.model, self.run.agent, self.settings.temperature)
        told = dict(self.model.logger.name_to_value)
        self.model.logger.dump(self.model.num_timesteps)
        metrics = {
            name.partition("/")[2]: float(v) for name, v in told.items() if name.startswith(("train/", "rollout/"))
        }
        metrics.pop("n_updates", None)
        ours = {name: sign * metrics[theirs] for name, (theirs, sign) in OURS.items() if theirs in metrics}
        return {**metrics, **ours}

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        model = self.model
        saved = self.run.envs.state_dict() if isinstance(self.run.envs, SavableEnvs) else None
        return {
            "parameters": model.get_parameters(),
            "optimizer": model.policy.optimizer.state_dict(),
            "counters": {name: getattr(model, name) for name in (*COUNTERS, PROGRESS) if hasattr(model, name)},
            "randomness": self.randomness.state_dict(),
            "random_actions": stream_text(model.action_space.np_random),
            "is_first": torch.as_tensor(np.asarray(model._last_episode_starts, dtype=np.bool_)),
            "memory": [part.clone() for both in getattr(model, "_last_lstm_states", ()) or () for part in both],
            "replay": self._replay(),
            "episodes": {name: torch.as_tensor(array) for name, array in self.envs.state_dict().items()},
            "envs": None if saved is None else {name: torch.as_tensor(array) for name, array in saved.items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        model = self.model
        adopt(model, self.run.agent, self.settings.temperature)
        self._is_adopted = True
        model.set_parameters(saved["parameters"], device=model.device)
        model.policy.optimizer.load_state_dict(saved["optimizer"])
        for name, value in saved["counters"].items():
            setattr(model, name, value)
        self.randomness.load_state_dict(saved["randomness"])
        set_stream(model.action_space.np_random, saved["random_actions"])
        self._refill(saved["replay"])
        envs: VectorEnv = self.run.envs
        if saved["envs"] is None or not isinstance(envs, SavableEnvs):
            return
        self._show(self.envs.show(envs.load_state_dict({k: tensor.numpy() for k, tensor in saved["envs"].items()})))
        self.envs.load_state_dict({name: tensor.numpy() for name, tensor in saved["episodes"].items()})
        model._last_episode_starts = saved["is_first"].numpy()
        if saved["memory"]:
            pi, vf = ([part.to(model.device) for part in saved["memory"][i : i + 2]] for i in (0, 2))
            model._last_lstm_states = type(model._last_lstm_states)(tuple(pi), tuple(vf))

    def _replay(self) -> dict[str, Any] | None:
        """What stands in the replay buffer; None where there is none, or it is too large to keep."""
        buffer = getattr(self.model, "replay_buffer", None)
        if buffer is None:
            return None
        count = buffer.buffer_size if buffer.full else buffer.pos
        arrays = {name: getattr(buffer, name)[:count] for name in REPLAY}
        for when in ("observations", "next_observations"):
            arrays |= {f"{when}/{key}": array[:count] for key, array in getattr(buffer, when).items()}
        if sum(array.nbytes for array in arrays.values()) > self.settings.replay_megabytes * 2**20:
            return None
        tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        return {"count": count, "pos": buffer.pos, "full": buffer.full, "arrays": tensors}

    def _refill(self, saved: dict[str, Any] | None) -> None:
        """Continue with a replay buffer; without one, learn nothing before it has been filled as at the start."""
        buffer = getattr(self.model, "replay_buffer", None)
        if buffer is None:
            return
        if saved is None:
            self.model.learning_starts += self.model.num_timesteps
            return
        buffer.pos, buffer.full = saved["pos"], saved["full"]
        for name, tensor in saved["arrays"].items():
            when, _, key = name.partition("/")
            array = getattr(buffer, when)[key] if key else getattr(buffer, when)
            array[: saved["count"]] = tensor.numpy()


@cache
def algorithm_class(name: str) -> type[SB3Algorithm]:
    """The algorithm of a run that a name such as ``"sb3:PPO"`` stands for.

    Raises:
        ConfigurationError: if no agent can be trained by it.
    """
    kind = split_name(name)[1]
    return type(f"SB3{kind}", (SB3Algorithm,), {"name": name, "title": f"{kind} of Stable-Baselines3"})
