"""Figures: the numbers that are drawn, not the looks."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.cells import pack_cells
from groundling.envs import EpisodeBank, make_vec
from groundling.eval.figures import SMOOTHING, attention_figure, learning_curve, png, telling_view

SENTENCES = ["go to the red ball", "go to the blue key"]


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(12))


def make_agent(**changes: Any) -> ActorCritic:
    torch.manual_seed(0)
    return ActorCritic(AgentConfig(**changes))


def test_png_is_a_picture() -> None:
    data = png(learning_curve({"trained": [{"frames": 1000, "success": 0.5, "episode_length": 3.0}]}))
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] > picture.shape[0] > 100


def test_learning_curve_draws_means_of_neighboring_updates_at_the_last_of_them() -> None:
    count = SMOOTHING + 2
    metrics = [{"frames": 1e6 * n, "success": n / 10, "episode_length": float(n * n)} for n in range(count)]
    success, length = learning_curve({"trained": metrics}).axes
    frames, values = success.lines[0].get_data()
    np.testing.assert_allclose(frames, np.arange(SMOOTHING - 1, count))
    np.testing.assert_allclose(values, [np.mean(np.arange(n, n + SMOOTHING)) / 10 for n in range(3)])
    lengths = length.lines[0].get_ydata()
    np.testing.assert_allclose(lengths, [np.mean(np.arange(n, n + SMOOTHING) ** 2) for n in range(3)])


def test_learning_curve_has_a_line_for_every_agent() -> None:
    rows = [{"frames": 10, "success": 0.1, "episode_length": 5.0}]
    for axis in learning_curve({"trained": rows, "blind": rows}).axes:
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["trained", "blind"]


def test_learning_curve_of_a_run_without_a_finished_episode_is_empty_but_drawn() -> None:
    figure = learning_curve({"trained": [{"frames": 10, "entropy": 1.9}], "blind": []})
    assert all(not axis.lines for axis in figure.axes)
    assert png(figure)


@pytest.mark.parametrize(
    ("fusion", "axes"), [("attribute_gated", 5), ("gated", 5), ("film", 3), ("concat", 3), ("cross_attention", 3)]
)
def test_attention_figure_shows_world_maps_and_gates(fusion: str, axes: int, bank: EpisodeBank) -> None:
    figure = attention_figure(make_agent(fusion=fusion), bank, 0, SENTENCES)
    assert len(figure.axes) == axes
    assert [axis.get_title().strip("“”") for axis in figure.axes[1:3]] == SENTENCES
    assert io.BytesIO(png(figure)).read(4) == b"\x89PNG"


def test_attention_map_has_the_agent_at_the_bottom_and_looks_up(bank: EpisodeBank) -> None:
    """Row y and column x of the drawn map show the view's cell [x, y]."""
    agent = make_agent()
    figure = attention_figure(agent, bank, 2, SENTENCES)
    observation, _ = make_vec(bank=bank.take(slice(2, 3)), num_envs=1, shuffle=False).reset()
    drawn = np.asarray(figure.axes[1].images[0].get_array())
    kinds = observation["image"][0, :, :, 0]
    unlike = {int(kinds[x, y]): round(float(drawn[y, x]), 5) for x in range(7) for y in range(7)}
    assert drawn.shape == (7, 7)
    assert len(unlike) >= 3
    cells = pack_cells(torch.as_tensor(observation["image"][0])).numpy()
    for value in np.unique(cells):
        assert np.ptp(drawn[(cells == value).T]) < 1e-5


def test_telling_view_names_objects_that_are_in_view(bank: EpisodeBank) -> None:
    from minigrid.core.constants import IDX_TO_COLOR, IDX_TO_OBJECT

    row, sentences = telling_view(bank)
    assert sentences[0] == bank.instruction(row)
    assert 2 <= len(sentences) == len(set(sentences))
    observation, _ = make_vec(bank=bank.take(slice(row, row + 1)), num_envs=1, shuffle=False).reset()
    seen = {f"{IDX_TO_COLOR[int(c)]} {IDX_TO_OBJECT[int(k)]}" for k, c, _ in observation["image"].reshape(-1, 3)}
    assert all(any(text.endswith(name) for name in seen) for text in sentences)


def test_telling_view_of_other_levels_is_some_episode_with_its_own_sentence() -> None:
    doors = EpisodeBank.of_seeds("BabyAI-OpenDoorColor-v0", range(4))
    row, sentences = telling_view(doors)
    assert sentences == [doors.instruction(row)]
