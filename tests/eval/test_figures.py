"""Figures: the numbers that are drawn, not the looks."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.engine.embodiment import GRID
from groundling.envs.families.banked import bank_episodes
from groundling.eval.attention import readings, word_effects
from groundling.eval.figures import SMOOTHING, learning_curve, png, reading_figure
from groundling.eval.pictures import draw_symbols


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(12))


def make_agent(**changes: Any) -> ActorCritic:
    torch.manual_seed(0)
    return ActorCritic(AgentConfig(**changes))


def test_png_is_a_picture() -> None:
    data = png(learning_curve({"trained": [{"frames": 1000, "success": 0.5, "episode_length": 3.0}]}))
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert min(picture.shape[:2]) > 100
    assert picture.shape[1] < 700, "it is read on a phone"


def test_learning_curve_draws_means_of_neighboring_updates_at_the_last_of_them() -> None:
    count = SMOOTHING + 2
    metrics = [{"frames": 1e6 * n, "success": n / 10, "episode_length": float(n * n)} for n in range(count)]
    success, length = learning_curve({"trained": metrics}).axes
    frames, values = success.lines[0].get_data()
    np.testing.assert_allclose(frames, 1e6 * np.arange(SMOOTHING - 1, count))
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


@pytest.mark.parametrize("fusion", ["attribute_gated", "gated", "film", "concat", "cross_attention"])
def test_readings_are_of_the_instruction_s_own_words(fusion: str, bank: EpisodeBank) -> None:
    found = readings(make_agent(fusion=fusion), bank_episodes(bank, GRID))
    assert len(found) == len({reading.instruction for reading in found}) == 2
    assert max(found[0].effects) >= max(found[1].effects), "those whose words change most first"
    for reading in found:
        assert reading.instruction in bank.instructions
        assert list(reading.words) == reading.instruction.split()
        assert reading.effects.shape == (len(reading.words),)
        figure = reading_figure(reading)
        assert [label.get_text() for label in figure.axes[2].get_yticklabels()] == list(reading.words)
        np.testing.assert_allclose([bar.get_width() for bar in figure.axes[2].patches], reading.effects)
        picture = cv2.imdecode(np.frombuffer(png(figure), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[1] < 700, "it is read on a phone"


def test_reading_shows_the_view_of_its_episode(bank: EpisodeBank) -> None:
    (reading, _) = readings(make_agent(), bank_episodes(bank, GRID))
    rows = [row for row in range(len(bank)) if bank.instruction(row) == reading.instruction]
    views = [
        draw_symbols(make_vec(bank=bank.take(slice(row, row + 1)), num_envs=1, shuffle=False).reset()[0]["image"][0])
        for row in rows
    ]
    assert any(np.array_equal(reading.seen, view) for view in views)
    assert reading.attention.shape == (7, 7)
    assert reading.attention.min() >= 0


def test_agent_that_reads_no_text_has_no_reading(bank: EpisodeBank) -> None:
    agent = make_agent()
    agent.encoder = torch.nn.Identity()
    assert readings(agent, bank_episodes(bank, GRID)) == []


def test_effect_of_a_word_is_how_much_the_first_action_changes_without_it(bank: EpisodeBank) -> None:
    agent = make_agent()
    agent.policy.weight.data.mul_(100)  # so that words change the actions
    observation, _ = make_vec(bank=bank, num_envs=len(bank), shuffle=False).reset()
    effects = word_effects(agent, observation, "instruction")
    tokens = observation["instruction"]
    assert effects.shape == tokens.shape
    assert not effects[tokens == 0].any()
    assert 0 < effects.max() <= 1

    def probabilities(words: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        told = {**observation, "instruction": words}
        with torch.no_grad():
            start = agent.initial_state(len(bank)), torch.ones(1, len(bank), dtype=torch.bool)
            return np.asarray(agent(agent.prepare(told), *start).logits[0].softmax(-1))

    without_second = np.concatenate([tokens[:, :1], tokens[:, 2:], np.zeros_like(tokens[:, :1])], axis=1)
    change = np.abs(probabilities(without_second) - probabilities(tokens)).sum(axis=1) / 2
    np.testing.assert_allclose(effects[:, 1], change, atol=1e-5)
