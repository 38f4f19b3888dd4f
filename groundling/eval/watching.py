"""Watching: an agent's episode as frames that show what it sees, hears, expects and is about to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.agents.explanation import attention_map, has_gates, word_strength
from groundling.envs.constants import NUM_ACTIONS, Action
from groundling.eval.stages import REACHED, Stage
from groundling.language.vocabulary import split_words

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
    """

    instruction: str
    strengths: NDArray[np.float32]
    moments: tuple[Moment, ...]

    @property
    def success(self) -> bool:
        """Whether the goal was reached."""
        return self.moments[-1].told == REACHED

    def frames(self) -> list[NDArray[np.uint8]]:
        """Pictures [T + 1] of [H, W, 3] uint8: eyes and map; below, words and strengths, actions, expectation."""
        scale = max(1.0, *(abs(moment.value) for moment in self.moments))
        return [_frame(self, place, scale) for place in range(len(self.moments))]


def watch(agent: ActorCritic, stage: Stage, *, greedy: bool = False, seed: int = 0) -> Watched:
    """Play the episode of a stage; see :func:`play` for the arguments."""
    words = len(split_words(stage.instruction))
    strengths = np.zeros(words, dtype=np.float32)
    if has_gates(agent):
        tokens = torch.as_tensor(stage.tokens[np.newaxis], device=agent.device)
        strengths = word_strength(agent, tokens)[0, :words].cpu().numpy()
    return Watched(stage.instruction, strengths, tuple(play(agent, stage, greedy=greedy, seed=seed)))


@torch.no_grad()
def play(agent: ActorCritic, stage: Stage, *, greedy: bool = False, seed: int = 0) -> Iterator[Moment]:
    """Play the episode of a stage, moment by moment.

    Args:
        agent: what acts.
        stage: where.
        greedy: take the likeliest action instead of drawing one.
        seed: of the drawn actions.
    """
    generator = torch.Generator().manual_seed(seed)
    state, is_first = agent.initial_state(1), torch.ones(1, 1, dtype=torch.bool)
    scene = stage.begin()
    while True:
        decision = agent(agent.prepare(scene.observation), state, is_first)
        logits, state = decision.logits[0], decision.state
        action = int((logits.argmax(dim=-1) if greedy else sample_actions(logits, generator))[0])
        yield Moment(
            seen=scene.seen,
            attention=attention_map(agent, scene.observation)[0].numpy(),
            above=scene.above,
            probabilities=logits.softmax(dim=-1)[0].numpy(),
            value=float(decision.value[0, 0]),
            action=None if scene.told else action,
            told=scene.told,
        )
        if scene.told:
            return
        is_first = torch.zeros(1, 1, dtype=torch.bool)
        scene = stage.step(action)


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
    _draw_actions(canvas, moment, below + 80)
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


def _draw_actions(canvas: NDArray[np.uint8], moment: Moment, top: int) -> None:
    """A bar for each action's probability; the one that is taken is marked."""
    names = [action.name.lower() for action in list(Action)[: len(moment.probabilities)]]
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
