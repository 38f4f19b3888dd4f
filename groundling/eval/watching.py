"""Watching: an agent's episode as frames that show what it sees, hears, expects and is about to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, Decision, sample_actions
from groundling.agents.encoders.base import TextEncoder
from groundling.agents.explanation import attention_map, has_gates, word_strength
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.specification import spec_of
from groundling.envs.texts import texts_of
from groundling.eval.pictures import drawn_kinds, picture_of
from groundling.eval.rollout import Stepped, roll_out
from groundling.interfaces import TOKENS, Observation, Spec
from groundling.language.vocabulary import split_words

REACHED: Final = "reached"
FAILED: Final = "failed"
OUT_OF_TIME: Final = "out of time"
PANEL = 400  # pixels of each picture
MARGIN = 20
TEXT_HEIGHT = 230
INK, GREY, PALE, ACCENT = (25, 25, 25), (130, 130, 130), (225, 225, 225), (214, 85, 40)


@dataclass(frozen=True)
class Moment:
    """A step of an episode.

    Attributes:
        seen: the image that the agent sees, [H, W, 3] uint8: RGB, or symbols drawn as tiles.
        attention: [rows, columns] how strongly each place is let through by the words.
        above: the world from above, [H, W, 3] uint8.
        probabilities: [A] of the actions.
        value: what the agent expects to gain from here on.
        action: what it does next; None at the end.
        told: how the episode ended; empty before.
    """

    seen: NDArray[np.uint8]
    attention: NDArray[np.float32]
    above: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    value: float
    action: int | None
    told: str = ""


@dataclass(frozen=True)
class Watched:
    """An episode as it was played.

    Attributes:
        instruction: the sentence.
        strengths: [words] how much each word of it changes the agent's gates; zero where there are no gates.
        moments: [T + 1].
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

    def frames(self) -> list[NDArray[np.uint8]]:
        """Pictures [T + 1] of [H, W, 3] uint8: eyes and map; below, words and strengths, actions, expectation."""
        scale = max(1.0, *(abs(moment.value) for moment in self.moments))
        return [_frame(self, place, scale) for place in range(len(self.moments))]


@torch.no_grad()
def watch(
    agent: ActorCritic,
    envs: VectorEnv,
    reset_seed: int | None = None,
    *,
    greedy: bool = False,
    seed: int = 0,
    instruction: str | None = None,
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
    spectator = Spectator(agent, envs, spec, told)
    roll_out(spectator, envs, (observation, info), 1, spec=spec, greedy=greedy, seed=seed, observer=spectator.see)
    return Watched(text, strengths, tuple(spectator.moments), spec.actions)


class Spectator:
    """An agent as a policy, whose moments are kept.

    Args:
        agent: what acts.
        envs: the one environment.
        spec: of the environment.
        told: token ids [1, L] that the agent is given in place of the environment's, by key.

    Attributes:
        moments: of the episode so far.
    """

    def __init__(
        self, agent: ActorCritic, envs: VectorEnv, spec: Spec, told: Mapping[str, NDArray[np.int32]] | None = None
    ) -> None:
        self._agent, self._envs, self._spec = agent, envs, spec
        self._told = told or {}
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
        observation = {**observation, **self._told}
        decision = self._agent(self._agent.prepare(observation), state, torch.as_tensor(is_first).unsqueeze(0))
        logits = decision.logits[0]
        actions = logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)
        self._state = decision.state
        self._keep(observation, decision, self._picture(), int(actions[0]), "")
        return actions.cpu().numpy(), decision.state

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
        blank = np.full((PANEL, PANEL, 3), 255, dtype=np.uint8)
        self.moments.append(
            Moment(
                seen=next(image for image in (seen, picture, blank) if image is not None),
                attention=_attention(self._agent, observation),
                above=next(image for image in (picture, seen, blank) if image is not None),
                probabilities=decision.logits[0].softmax(dim=-1)[0].numpy(),
                value=float(decision.value[0, 0]),
                action=action,
                told=told,
            )
        )


def _attention(agent: ActorCritic, observation: Observation) -> NDArray[np.float32]:
    """The agent's attention [rows, columns] to an observation of one; the same everywhere where it has no map of it."""
    if not isinstance(agent.encoder, TextEncoder):
        return np.ones((1, 1), dtype=np.float32)
    return np.asarray(attention_map(agent, observation)[0].cpu().numpy(), dtype=np.float32)


def how_it_ended(success: bool, terminated: bool) -> str:
    """A word for the end of an episode."""
    if success:
        return REACHED
    return FAILED if terminated else OUT_OF_TIME


def _frame(watched: Watched, place: int, scale: float) -> NDArray[np.uint8]:
    moments = watched.moments
    moment = moments[place]
    width = 2 * PANEL + 3 * MARGIN
    canvas = np.full((PANEL + TEXT_HEIGHT + 2 * MARGIN, width, 3), 255, dtype=np.uint8)
    for left, picture in ((MARGIN, _attended(moment)), (2 * MARGIN + PANEL, moment.above)):
        fitted = _fitted(picture)
        top = MARGIN + (PANEL - fitted.shape[0]) // 2
        start = left + (PANEL - fitted.shape[1]) // 2
        canvas[top : top + fitted.shape[0], start : start + fitted.shape[1]] = fitted
    below = PANEL + 2 * MARGIN
    _draw_words(canvas, split_words(watched.instruction), watched.strengths, below + 20)
    _draw_actions(canvas, moment, watched.actions, below + 80)
    _draw_values(canvas, moments, place, scale, below + 80)
    if moment.told:
        _write(canvas, moment.told, (2 * MARGIN + PANEL, below + 215), ACCENT, 0.7)
    return canvas


def _attended(moment: Moment) -> NDArray[np.uint8]:
    """What is seen, with the places that the words let through bright and the others dimmed."""
    height, width = moment.seen.shape[:2]
    strength = moment.attention / max(float(moment.attention.max()), 1e-9)
    spread = cv2.resize(strength, (width, height), interpolation=cv2.INTER_LINEAR)[:, :, None]
    return np.clip(moment.seen * (0.45 + 0.55 * spread), 0, 255).astype(np.uint8)


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as large as a panel has room for."""
    height, width = picture.shape[:2]
    factor = PANEL / max(height, width)
    size = (round(width * factor), round(height * factor))
    how = cv2.INTER_NEAREST if factor > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


def _draw_words(canvas: NDArray[np.uint8], words: Sequence[str], strengths: NDArray[np.floating], top: int) -> None:
    """The instruction, a bar under each word as long as its strength."""
    strongest = max(float(strengths.max(initial=0.0)), 1e-9)
    room = canvas.shape[1] - 2 * MARGIN
    scale = 0.7
    while scale > 0.3 and sum(_width(word, scale) + 14 for word in words) > room:
        scale -= 0.05
    left = MARGIN
    for word, strength in zip(words, strengths, strict=False):
        _write(canvas, word, (left, top), INK, scale)
        wide = _width(word, scale)
        cv2.rectangle(canvas, (left, top + 10), (left + wide, top + 18), PALE, cv2.FILLED)
        long = round(wide * float(strength) / strongest)
        if long > 0 and strengths.any():
            cv2.rectangle(canvas, (left, top + 10), (left + long, top + 18), ACCENT, cv2.FILLED)
        left += wide + 14


def _draw_actions(canvas: NDArray[np.uint8], moment: Moment, names: Sequence[str], top: int) -> None:
    """A bar for each action's probability; the one that is taken is marked."""
    step = 150 // max(len(names), NUM_ACTIONS)
    for line, (name, probability) in enumerate(zip(names, moment.probabilities, strict=True)):
        y = top + line * step
        color = ACCENT if line == moment.action else GREY
        _write(canvas, name, (MARGIN, y + 10), color, 0.45)
        left, room = MARGIN + 80, PANEL - 80
        cv2.rectangle(canvas, (left, y), (left + room, y + 10), PALE, cv2.FILLED)
        cv2.rectangle(canvas, (left, y), (left + round(room * float(probability)), y + 10), color, cv2.FILLED)


def _draw_values(canvas: NDArray[np.uint8], moments: Sequence[Moment], place: int, scale: float, top: int) -> None:
    """What the agent has been expecting, step by step."""
    left, height = 2 * MARGIN + PANEL, 100
    _write(canvas, f"value {moments[place].value:+.2f}   step {place}", (left, top + 10), GREY, 0.45)
    middle = top + 20 + height // 2
    cv2.line(canvas, (left, middle), (left + PANEL, middle), PALE, 1)
    across = PANEL / max(len(moments) - 1, 1)
    points = [
        (round(left + step * across), round(middle - moment.value / scale * height / 2))
        for step, moment in enumerate(moments[: place + 1])
    ]
    cv2.polylines(canvas, [np.array(points, dtype=np.int32)], False, ACCENT, 2, cv2.LINE_AA)
    cv2.circle(canvas, points[-1], 4, ACCENT, cv2.FILLED, cv2.LINE_AA)


def _width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0])


def _write(
    canvas: NDArray[np.uint8], text: str, place: tuple[int, int], color: tuple[int, int, int], scale: float
) -> None:
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)
