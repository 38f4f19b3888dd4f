"""Figures: the learning curve, the tasks of a curriculum, and what an agent's words let through."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.encoders.cells import pack_cells, sizes_of
from groundling.agents.explanation import attention, attention_map, gates, has_gates
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.banks.bank import SEQUENCE_TOKENS
from groundling.envs.engine.constants import DOOR, EMPTY
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.kinds import Kinds
from groundling.envs.rendering import render_world
from groundling.envs.vector import GroundlingVectorEnv

SMOOTHING = 5  # updates that a point of the learning curve averages


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def learning_curve(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Success and episode length against frames.

    Args:
        curves: metrics (``read_metrics``) by name of the agent.
    """
    titles = {"success": "success in training", "episode_length": "episode length (steps)"}
    return _curves({title: {name: _points(m, key) for name, m in curves.items()} for key, title in titles.items()})


def task_curves(metrics: Sequence[Mapping[str, Any]]) -> Figure:
    """Success and share of each task against frames.

    Args:
        metrics: of a run over several tasks (``read_metrics``).
    """
    tasks = dict.fromkeys(key.partition("/")[2] for row in metrics for key in row if key.startswith("share/"))
    titles = {"success": "success in training", "share": "share of the episodes begun"}
    return _curves(
        {title: {task: _points(metrics, f"{key}/{task}") for task in tasks} for key, title in titles.items()}
    )


def _points(metrics: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    return [(row["frames"], row[key]) for row in metrics if key in row]


def _curves(panels: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]) -> Figure:
    """Lines by panel and name, each point the mean of some updates; the first panel shows a rate."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, len(panels))
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, points in lines.items():
            if not points:
                continue
            frames, values = np.array(points).T
            width = min(SMOOTHING, len(values))
            smooth = np.convolve(values, np.ones(width) / width, mode="valid")
            axis.plot(frames[width - 1 :] / 1e6, smooth, label=name)
        axis.set_xlabel("million frames")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    axes[0].set_ylim(0, 1.02)
    return figure


def attention_figure(agent: ActorCritic, bank: EpisodeBank, row: int, instructions: Sequence[str]) -> Figure:
    """One first view under several instructions: what each lets through, and the gate's channels.

    A cell's brightness is the norm of its readout under the instruction, less that of an empty cell, so that what the
    words single out stands out. The agent stands at the bottom middle and looks up.

    Args:
        agent: the trained agent.
        bank: episodes.
        row: whose first view is shown.
        instructions: sentences, the episode's own first.
    """
    envs = make_vec(bank=bank.take(slice(row, row + 1)), num_envs=1, shuffle=False)
    observation, _ = envs.reset()
    picture = render_world(envs.worlds, 0)
    vocabulary = envs.embodiment.vocabulary
    tokens = torch.as_tensor(vocabulary.encode_all(list(instructions), length=SEQUENCE_TOKENS)).long()
    strength = attention(agent, tokens).cpu().numpy()
    sizes = sizes_of(agent.spec)
    cells = pack_cells(torch.as_tensor(observation["image"][0]), sizes).numpy()
    empty = int(pack_cells(torch.tensor([EMPTY, 0, 0]), sizes))
    above_empty = np.maximum(strength - strength[:, [empty]], 0)
    maps = above_empty[:, cells].transpose(0, 2, 1)  # [S, row, column]
    highest = float(maps.max()) or 1.0
    count = len(instructions)
    gated = has_gates(agent)
    figure = Figure(figsize=(2.5 * (count + 1), 4.0 if gated else 2.9), layout="constrained")
    grid = figure.add_gridspec(2 if gated else 1, count + 1, height_ratios=[5, 1] if gated else [1])
    world = figure.add_subplot(grid[0, 0])
    world.imshow(picture)
    world.set_title("the world", fontsize=9)
    world.axis("off")
    for column, (text, values) in enumerate(zip(instructions, maps, strict=True), start=1):
        axis = figure.add_subplot(grid[0, column])
        axis.imshow(values, cmap="magma", vmin=0, vmax=highest)
        _name_objects(axis, observation["image"][0], envs.worlds.kinds)
        axis.set_title(f"“{text}”", fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
    if gated:
        channels = gates(agent, tokens).cpu().numpy()
        for column in range(count):
            axis = figure.add_subplot(grid[1, column + 1])
            axis.imshow(channels[column : column + 1], cmap="viridis", vmin=0, vmax=1, aspect="auto")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_xlabel("gate of each channel (0 to 1)", fontsize=7)
    return figure


def views_figure(agent: ActorCritic, bank: EpisodeBank, embodiment: Embodiment, *, views: int = 4) -> Figure:
    """First views of episodes whose agent sees pixels, above what the instruction lets through of each.

    Args:
        agent: the trained agent.
        bank: episodes.
        embodiment: what they are played with.
        views: how many.
    """
    count = min(views, len(bank))
    envs = GroundlingVectorEnv(bank.take(slice(0, count)), count, shuffle=False, embodiment=embodiment)
    observation, _ = envs.reset()
    maps = attention_map(agent, observation).cpu().numpy()
    figure = Figure(figsize=(2.8 * count, 3.8), layout="constrained")
    axes = figure.subplots(2, count, squeeze=False)
    for column, (image, strength) in enumerate(zip(observation["image"], maps, strict=True)):
        axes[0, column].imshow(image)
        axes[0, column].set_title(f"“{envs.instructions[column]}”", fontsize=8)
        axes[1, column].imshow(strength, cmap="magma")
        for axis in axes[:, column]:
            axis.set_xticks([])
            axis.set_yticks([])
    return figure


def _name_objects(axis: Any, image: NDArray[np.uint8], kinds: Kinds) -> None:
    """Write its type on every object of a view, in its color."""
    outline = [withStroke(linewidth=1.5, foreground="black")]
    names = kinds.type_names
    for column in range(image.shape[0]):
        for line in range(image.shape[1]):
            name, rgb = names.get(int(image[column, line, 0])), kinds.rgb[int(image[column, line, 1])]
            if name is not None:
                shade = tuple(np.clip(np.array(rgb) / 255 * 0.7 + 0.3, 0, 1))
                axis.text(column, line, name, color=shade, fontsize=6, ha="center", va="center", path_effects=outline)


def telling_view(bank: EpisodeBank, *, tries: int = 50, others: int = 2) -> tuple[int, list[str]]:
    """An episode whose first view shows several objects, and sentences that tell them apart.

    Returns:
        the episode's row, and its own sentence followed by up to ``others`` sentences for other objects in view.
    """
    rows = min(tries, len(bank))
    envs = make_vec(bank=bank.take(slice(0, rows)), num_envs=rows, shuffle=False)
    observation, _ = envs.reset()
    best: tuple[int, list[str]] = (0, [envs.instructions[0]])
    most = 0
    for row, image in enumerate(observation["image"]):
        named = _names_in_view(image, envs.worlds.kinds)
        own = envs.instructions[row]
        is_visible = any(own.endswith(name) for name in named)
        if is_visible and len(named) > most and own.startswith("go to"):
            most = len(named)
            rest = [f"go to the {name}" for name in named if not own.endswith(name)]
            best = (row, [own, *rest[:others]])
    return best


def _names_in_view(image: NDArray[np.uint8], kinds: Kinds) -> list[str]:
    cells = image.reshape(-1, 3)
    types, colors = kinds.type_names, kinds.color_names
    named = [f"{colors[int(c)]} {types[int(k)]}" for k, c, _ in cells if int(k) in types and k != DOOR]
    return list(dict.fromkeys(named))
