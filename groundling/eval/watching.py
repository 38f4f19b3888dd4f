"""Watching: an episode with what the agent sees, attends to, expects and does at each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.agents.core import Decision
from groundling.agents.encoders.base import TextEncoder
from groundling.agents.explanation import has_gates, word_strength
from groundling.envs.specification import spec_of
from groundling.envs.texts import texts_of
from groundling.eval.attention import contrast
from groundling.eval.frames import VIEW, draw_frame
from groundling.eval.pictures import drawn_kinds, picture_of
from groundling.eval.rollout import Stepped, roll_out
from groundling.interfaces import TOKENS, BoundPolicy, Observation, Policy, Spec
from groundling.language.vocabulary import split_words

REACHED: Final = "reached"
FAILED: Final = "failed"
OUT_OF_TIME: Final = "out of time"


@dataclass(frozen=True)
class Moment:
    """A step of an episode.

    Attributes:
        seen: the image that the agent sees, [H, W, 3] uint8: RGB, or symbols drawn as tiles.
        attention: [rows, columns] the agent's attention to each place under the instruction, from 0 up.
        above: the world from above, [H, W, 3] uint8.
        probabilities: [A] of the actions.
        value: what the agent expects to gain from here on.
        action: what it does next; None at the end.
        told: how the episode ended; empty before.
        step: how many steps were taken before.
    """

    seen: NDArray[np.uint8]
    attention: NDArray[np.float32]
    above: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    value: float
    action: int | None
    told: str = ""
    step: int = 0


@dataclass(frozen=True)
class Watched:
    """An episode as it was played.

    Attributes:
        instruction: the sentence.
        strengths: [words] how much each word of it changes the agent's gates; zero where there are no gates.
        moments: [T + 1], or of a long episode the first ones and the last.
        actions: names of the A actions.
    """

    instruction: str
    strengths: NDArray[np.float32]
    moments: tuple[Moment, ...]
    actions: tuple[str, ...]

    @property
    def success(self) -> bool:
        """Whether the goal was reached."""
        return self.moments[-1].told == REACHED

    @property
    def steps(self) -> int:
        """Number of steps of the episode."""
        return self.moments[-1].step

    @property
    def left_out(self) -> range:
        """The steps whose moments were not kept."""
        return range(len(self.moments) - 1, self.steps)

    @property
    def summary(self) -> str:
        """For example ``"reached after 12 steps"``."""
        return f"{self.moments[-1].told} after {self.steps} steps"

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """A picture [H, W, 3] uint8 of each moment, see :func:`groundling.eval.frames.draw_frame`."""
        scale = max(1.0, *(abs(moment.value) for moment in self.moments))
        for place in range(len(self.moments)):
            yield draw_frame(self, place, scale)


@torch.no_grad()
def watch(
    agent: ActorCritic,
    envs: VectorEnv,
    reset_seed: int | None = None,
    *,
    greedy: bool = False,
    seed: int = 0,
    instruction: str | None = None,
    actions: Sequence[int] | None = None,
    most_steps: int | None = None,
    actor: Policy | None = None,
) -> Watched:
    """Play an episode in one environment, moment by moment.

    Args:
        agent: what acts.
        envs: one environment that renders itself; one that resets itself is watched without its last picture.
        reset_seed: what its reset is given.
        greedy: take the likeliest action instead of drawing one.
        seed: of the drawn actions.
        instruction: what the agent is told in place of the episode's own sentence; how the episode ended is judged by
            that one all the same.
        actions: take these instead of the agent's own, as to show an episode again that was played before.
        most_steps: keep the moments of so many steps only, and the last one; None keeps all.
        actor: acts in the agent's place, as a planner that looks ahead with it.

    Raises:
        InstructionError: if the instruction has words that the agent does not know, or too many.
    """
    spec = spec_of(envs)
    observation, info = envs.reset(seed=reset_seed)
    (text,) = texts_of(envs, observation, info, spec)
    told: dict[str, NDArray[np.int32]] = {}
    if instruction is not None:
        (key,) = spec.keys_of(TOKENS)
        length = spec.observation[key].shape[-1]
        told[key] = agent.spec.vocabulary.encode(instruction, length=length)[np.newaxis]
        text, observation = instruction, {**observation, **told}
    words = len(split_words(text))
    strengths = np.zeros(words, dtype=np.float32)
    if has_gates(agent):
        (key,) = spec.keys_of(TOKENS)
        tokens = torch.as_tensor(np.asarray(observation[key]).astype(np.int64), device=agent.device)
        strengths = word_strength(agent, tokens)[0, :words].cpu().numpy()
    bind: Any = actor
    if isinstance(bind, BoundPolicy):
        bind.bind(envs)
    spectator = Spectator(agent, envs, spec, told, actions, most_steps, actor)
    roll_out(spectator, envs, (observation, info), 1, spec=spec, greedy=greedy, seed=seed, observer=spectator.see)
    return Watched(text, strengths, tuple(spectator.moments), spec.actions)


class Spectator:
    """An agent as a policy, whose moments are kept.

    Args:
        agent: what acts.
        envs: the one environment.
        spec: of the environment.
        told: token ids [1, L] that the agent is given in place of the environment's, by key.
        actions: that are taken in place of the agent's own.
        most_steps: how many moments are kept beside the last one; None keeps all.
        actor: acts in the agent's place.

    Attributes:
        moments: of the episode so far.
    """

    def __init__(
        self,
        agent: ActorCritic,
        envs: VectorEnv,
        spec: Spec,
        told: Mapping[str, NDArray[np.int32]] | None = None,
        actions: Sequence[int] | None = None,
        most_steps: int | None = None,
        actor: Policy | None = None,
    ) -> None:
        self._actor = actor
        self._actor_state = (agent if actor is None else actor).initial_state(1)
        self._agent, self._envs, self._spec = agent, envs, spec
        self._told = told or {}
        self._actions, self._most_steps = actions, most_steps
        self._steps = 0
        self._state = agent.initial_state(1)
        self.moments: list[Moment] = []

    def initial_state(self, num_envs: int) -> Tensor:
        """The agent's own."""
        return self._agent.initial_state(num_envs)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The agent's action; the moment is kept."""
        is_kept = self._most_steps is None or self._steps < self._most_steps
        if not is_kept and self._actions is not None and not state.numel():  # nothing to show, draw or remember
            self._steps += 1
            return np.array([self._actions[self._steps - 1]], dtype=np.int64), state
        observation = {**observation, **self._told}
        decision = self._agent(self._agent.prepare(observation), state, torch.as_tensor(is_first).unsqueeze(0))
        logits = decision.logits[0]
        if self._actions is not None:
            actions = np.array([self._actions[self._steps]], dtype=np.int64)
        elif self._actor is not None:
            actions, self._actor_state = self._actor.act(
                observation, self._actor_state, is_first, greedy=greedy, generator=generator
            )
        else:
            drawn = logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)
            actions = drawn.cpu().numpy()
        self._state = decision.state
        if is_kept:
            self._keep(observation, decision, self._picture(), int(actions[0]), "")
        self._steps += 1
        return actions, decision.state

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's own."""
        return self._agent.inference_cache()

    def see(self, stepped: Stepped) -> None:
        """Keep the last moment of an episode."""
        if not stepped.counted[0]:
            return
        told = how_it_ended(bool(stepped.success[0]), bool(stepped.terminated[0]))
        observation, picture = stepped.observation, self._picture()
        if "final_obs" in stepped.info:  # the environment is in another episode already
            last = stepped.info["final_obs"][0]
            observation = {key: np.asarray(value)[np.newaxis] for key, value in last.items()}
            picture = self.moments[-1].above
        observation = {**observation, **self._told}
        decision = self._agent(self._agent.prepare(observation), self._state, torch.zeros(1, 1, dtype=torch.bool))
        self._keep(observation, decision, picture, None, told)

    def _picture(self) -> NDArray[np.uint8] | None:
        try:
            pictures = self._envs.render()
        except NotImplementedError:  # as Gymnasium's base class has it
            return None
        return None if not pictures else np.asarray(pictures[0], dtype=np.uint8)

    def _keep(
        self,
        observation: Observation,
        decision: Decision,
        picture: NDArray[np.uint8] | None,
        action: int | None,
        told: str,
    ) -> None:
        seen = picture_of(observation, self._spec, kinds=drawn_kinds(self._envs))
        blank = np.full((VIEW, VIEW, 3), 255, dtype=np.uint8)
        self.moments.append(
            Moment(
                seen=next(image for image in (seen, picture, blank) if image is not None),
                attention=_attention(self._agent, observation),
                above=next(image for image in (picture, seen, blank) if image is not None),
                probabilities=decision.logits[0].softmax(dim=-1)[0].numpy(),
                value=float(decision.value[0, 0]),
                action=action,
                told=told,
                step=self._steps,
            )
        )


def _attention(agent: ActorCritic, observation: Observation) -> NDArray[np.float32]:
    """The agent's attention [rows, columns] to an observation of one; the same everywhere where it has no map of it."""
    if not isinstance(agent.encoder, TextEncoder):
        return np.ones((1, 1), dtype=np.float32)
    return contrast(agent, observation)[0]


def how_it_ended(success: bool, terminated: bool) -> str:
    """A word for the end of an episode."""
    if success:
        return REACHED
    return FAILED if terminated else OUT_OF_TIME
