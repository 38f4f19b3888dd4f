"""Watching: the moments of one episode are those that the agent lived through, and the frames show them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.explanation import gates
from groundling.envs import EpisodeBank, build_bank
from groundling.envs.engine.embodiment import GRID, Embodiment
from groundling.envs.families.banked import bank_episodes, watched_episode
from groundling.envs.families.chaplot.room import ROOMS
from groundling.envs.first_person import Camera
from groundling.envs.rendering import render_world
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import InstructionError
from groundling.eval.frames import ACCENT, MARGIN, TOP, VIEW, WORLD, attended, draw_frame
from groundling.eval.pictures import draw_symbols
from groundling.eval.watching import Watched, watch

ROOM = "groundling/GroundedRoom-Easy-v0"


def episode_of(bank: EpisodeBank, row: int, embodiment: Embodiment) -> GroundlingVectorEnv:
    return watched_episode(bank_episodes(bank, embodiment), row)


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(20))


@pytest.fixture(scope="module")
def agent() -> ActorCritic:
    torch.manual_seed(1)
    return ActorCritic(AgentConfig(fusion="gated", memory="gru"))


@pytest.fixture(scope="module")
def in_a_room() -> tuple[ActorCritic, EpisodeBank, Embodiment]:
    body = replace(ROOMS[ROOM].embodiment, camera=Camera(width=48, height=32))
    torch.manual_seed(1)
    config = AgentConfig(vision="cnn", fusion="gated")
    agent = ActorCritic(config, body.spec(6))
    return agent, build_bank(ROOM, 8, cache=False, progress=False), body


def test_every_step_is_a_moment_and_the_last_one_tells_the_end(agent: ActorCritic, bank: EpisodeBank) -> None:
    ends = set()
    for row in range(len(bank)):
        watched = watch(agent, episode_of(bank, row, GRID), seed=row)
        *before, last = watched.moments
        assert watched.instruction == bank.instruction(row)
        assert all(moment.action is not None and not moment.told for moment in before)
        assert last.action is None
        assert watched.success == (last.told == "reached")
        if last.told == "out of time":
            assert len(before) == bank.max_steps[row]
        ends.add(last.told)
    assert ends == {"reached", "out of time"}


def test_moments_show_the_episode_that_is_asked_for(agent: ActorCritic, bank: EpisodeBank) -> None:
    worlds = GRID.make_batch(bank, len(bank), shuffle=False)
    worlds.reset()
    for row in (0, 7, 19):
        first = watch(agent, episode_of(bank, row, GRID)).moments[0]
        assert np.array_equal(first.above, render_world(worlds, row))
        assert np.array_equal(first.seen, draw_symbols(worlds.seen()["image"][row]))
        observation = {name: array[[row]] for name, array in worlds.seen().items()}
        with torch.no_grad():
            start = agent.initial_state(1), torch.ones(1, 1, dtype=torch.bool)
            decision = agent(agent.prepare(observation), *start)
        np.testing.assert_allclose(first.probabilities, decision.logits[0, 0].softmax(0).numpy(), rtol=1e-5)
        assert first.value == pytest.approx(float(decision.value[0, 0]), abs=1e-6)
        assert first.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_memory_goes_on_from_moment_to_moment(agent: ActorCritic, bank: EpisodeBank) -> None:
    """Standing still before the same view, an agent with a memory still changes its mind."""
    moments = watch(agent, episode_of(bank, 1, GRID), seed=3).moments
    same = [(one, other) for one, other in pairwise(moments) if np.array_equal(one.seen, other.seen)]
    assert same
    assert any(not np.array_equal(one.probabilities, other.probabilities) for one, other in same)


def test_same_seed_is_the_same_episode_and_greedy_needs_none(agent: ActorCritic, bank: EpisodeBank) -> None:
    def actions(watched: Watched) -> list[int | None]:
        return [moment.action for moment in watched.moments]

    stage = episode_of(bank, 5, GRID)
    assert actions(watch(agent, stage, seed=2)) == actions(watch(agent, stage, seed=2))
    assert len({tuple(actions(watch(agent, stage, seed=seed))) for seed in range(5)}) > 1
    assert len({tuple(actions(watch(agent, stage, seed=seed, greedy=True))) for seed in range(3)}) == 1


def test_pixels_are_shown_as_the_agent_sees_them(in_a_room: tuple[ActorCritic, EpisodeBank, Embodiment]) -> None:
    agent, bank, body = in_a_room
    watched = watch(agent, episode_of(bank, 2, body), seed=1)
    assert {moment.seen.shape for moment in watched.moments} == {(32, 48, 3)}
    assert {len(moment.probabilities) for moment in watched.moments} == {3}
    assert len({moment.seen.tobytes() for moment in watched.moments}) > 5
    assert watched.moments[-1].told in ("reached", "failed", "out of time")


def test_a_word_matters_as_much_as_it_changes_the_gates(agent: ActorCritic, bank: EpisodeBank) -> None:
    watched = watch(agent, episode_of(bank, 0, GRID))
    words = watched.instruction.split()
    assert watched.strengths.shape == (len(words),)
    tokens = torch.as_tensor(bank.tokens[[bank.sentences[0]]].astype(np.int64))
    without_last = tokens.clone()
    without_last[0, len(words) - 1] = 0
    change = (gates(agent, tokens) - gates(agent, without_last)).square().mean().sqrt()
    assert watched.strengths[-1] == pytest.approx(float(change), rel=1e-4)
    ungated = ActorCritic(AgentConfig(fusion="concat"))
    assert not watch(ungated, episode_of(bank, 0, GRID)).strengths.any()


def test_frames_show_words_world_actions_and_value(agent: ActorCritic, bank: EpisodeBank) -> None:
    watched = watch(agent, episode_of(bank, 0, GRID), seed=1)
    frames = list(watched.frames())
    assert len(frames) == len(watched.moments)
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert frames[0].dtype == np.uint8
    is_marked = np.abs(frames[0].astype(int) - ACCENT).max(axis=-1) <= 2
    below = TOP + WORLD
    assert is_marked[:TOP].any(), "bars below the words"
    assert is_marked[below:].any(), "the action that is taken"
    assert is_marked[TOP + VIEW : below, MARGIN + WORLD :].any(), "the value"
    assert any((frame != frames[0]).any() for frame in frames)
    silent = replace(watched, strengths=np.zeros_like(watched.strengths))
    assert not (np.abs(draw_frame(silent, 0, 1.0).astype(int) - ACCENT).max(axis=-1) <= 2)[:TOP].any()


def test_small_pictures_are_enlarged_by_whole_factors(agent: ActorCritic, bank: EpisodeBank) -> None:
    """Every pixel of the world becomes a square of one color, none is smeared."""
    watched = watch(agent, episode_of(bank, 0, GRID))
    above = watched.moments[0].above
    factor = WORLD // max(above.shape[:2])
    assert factor >= 2
    shift = (WORLD - factor * above.shape[0]) // 2
    top, left = TOP + shift, MARGIN + shift
    frame = draw_frame(watched, 0, 1.0)
    shown = frame[top : top + factor * above.shape[0], left : left + factor * above.shape[1]]
    for row in range(factor):
        assert np.array_equal(shown[row::factor, row::factor], above)


def test_places_of_high_attention_are_bright() -> None:
    left = np.zeros((7, 7), dtype=np.float32)
    left[:, 0] = 1
    view = attended(np.full((224, 224, 3), 200, dtype=np.uint8), left)
    assert (view[:, :32] == 200).all(), "a whole tile"
    assert len(np.unique(view[:, 32:])) == 1
    assert 90 < int(view[0, 32, 0]) < 140
    level = attended(np.full((224, 224, 3), 200, dtype=np.uint8), np.ones((1, 1), dtype=np.float32))
    assert (level == 200).all(), "an agent without a map dims nothing"


def test_attention_lies_on_the_tiles_that_it_is_of(bank: EpisodeBank) -> None:
    """An attention that only a certain tile of the view gets is drawn where the view shows that tile.

    Symbols are stored by column and row, pictures by row and column.
    """
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig())
    tried = 0
    for row in range(len(bank)):
        envs = episode_of(bank, row, GRID)
        symbols = envs.reset()[0]["image"][0]
        moment = watch(agent, envs).moments[0]
        assert moment.attention.shape == (7, 7)
        kinds = np.ascontiguousarray(symbols.transpose(1, 0, 2)).reshape(49, 3)
        values = moment.attention.reshape(49)
        for kind in np.unique(kinds, axis=0):
            assert np.ptp(values[(kinds == kind).all(axis=1)]) < 1e-5, "tiles that are alike have one attention"
        tried += not np.array_equal(moment.attention, moment.attention.T)
    assert tried > 3


def test_only_the_first_moments_of_a_long_episode_are_kept(agent: ActorCritic, bank: EpisodeBank) -> None:
    ungated = ActorCritic(AgentConfig(fusion="concat"))
    for each in (agent, ungated):  # with a memory and without
        for row in range(len(bank)):
            whole = watch(each, episode_of(bank, row, GRID), seed=1)
            if whole.steps > 6:
                break
        assert not whole.left_out
        taken = [moment.action for moment in whole.moments[:-1]]
        short = watch(each, episode_of(bank, row, GRID), actions=taken, most_steps=3)
        assert [moment.step for moment in short.moments] == [0, 1, 2, whole.steps]
        assert short.left_out == range(3, whole.steps)
        assert short.summary == whole.summary
        for one, other in zip(short.moments, [*whole.moments[:3], whole.moments[-1]], strict=True):
            assert np.array_equal(one.above, other.above)
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_an_agent_is_told_a_sentence_of_one_s_own(bank: EpisodeBank) -> None:
    """It acts as on an episode of that sentence, at every step, and words that it does not know are refused."""
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig())
    agent.policy.weight.data.mul_(500)  # so that words change the actions
    texts = ("go to the red ball", "go to the purple key")
    told = []
    for text in texts:
        envs = watched_episode(bank_episodes(bank, GRID), 0)
        watched = watch(agent, envs, greedy=True, instruction=text)
        assert watched.instruction == text
        told.append(np.stack([moment.probabilities for moment in watched.moments[:2]]))
    assert np.abs(told[0] - told[1]).max() > 1e-4
    with pytest.raises(InstructionError, match="'zebra'"):
        watch(agent, watched_episode(bank_episodes(bank, GRID), 0), instruction="go to the zebra ball")
