"""GridLU behind Gymnasium: the contract of vector environments, seeds, saved states, suites; expert and goal states."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from groundling.envs import make_vec
from groundling.envs.catalog import find_family
from groundling.envs.families.gridlu.expert import Carrier
from groundling.envs.families.gridlu.goal_states import drawn_goals, goal_states, reached_goals
from groundling.envs.families.gridlu.instructions import HELD_OUT, by_sentence, relations
from groundling.envs.families.gridlu.names import ARRANGEMENTS_GAME, GAMES, RELATIONS_GAME
from groundling.envs.families.gridlu.vector import GridLUVectorEnv
from groundling.errors import ActionError, ConfigurationError, SplitError, UnknownEnvironmentError

RELATIONS, ARRANGEMENTS = GAMES


def envs_of(
    id: str = RELATIONS, split: str = "all", num_envs: int = 32, seed: int = 0, **options: Any
) -> GridLUVectorEnv:
    envs = find_family(id).make_vec(split, num_envs, seed, **options)
    assert isinstance(envs, GridLUVectorEnv)
    return envs


def play(envs: GridLUVectorEnv, steps: int, seed: int = 1) -> list[Any]:
    return [envs.step(row) for row in np.random.default_rng(seed).integers(5, size=(steps, envs.num_envs))]


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("id", GAMES)
def test_environment_passes_gymnasiums_checks(id: str) -> None:
    env = gymnasium.make(id, disable_env_checker=True)
    check_env(env.unwrapped, skip_render_check=True)
    observation, info = env.reset(seed=4)
    text = env.unwrapped.agent_spec.vocabulary.decode(observation["instruction"])
    assert text == info["instruction_text"] == env.unwrapped.instruction
    assert text in by_sentence()
    assert set(info) == {"instruction_text"}
    with pytest.raises(ActionError, match="one action"):
        env.step(np.array([1, 2]))
    with pytest.raises(UnknownEnvironmentError, match="no grid"):
        gymnasium.make(id, level="groundling/GridLU-Towers-v0")


def test_vector_environment_by_every_way_to_make_it() -> None:
    for envs in (make_vec(RELATIONS, 3), gymnasium.make_vec(RELATIONS, 3, vectorization_mode="vector_entry_point")):
        observation, info = envs.reset(seed=0)
        assert info == {}
        assert observation in envs.observation_space
        assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP


@pytest.mark.parametrize("id", GAMES)
def test_all_steps_of_an_episode_are_played_and_success_is_that_of_the_last(id: str) -> None:
    envs = envs_of(id, num_envs=64)
    before, _ = envs.reset(seed=0)
    total = np.zeros(64)
    limit = GAMES[id].max_steps
    for number, (observation, reward, terminated, truncated, info) in enumerate(play(envs, 2 * limit), start=1):
        total += reward
        assert observation in envs.observation_space
        assert not terminated.any()
        assert truncated.all() == truncated.any() == (number % limit == 0) == bool(info)
        if info:
            told = info["final_info"]
            assert np.array_equal(told["success"], reward == 1)
            assert told["episode"]["l"].tolist() == [limit] * 64
            assert told["episode"]["r"] == pytest.approx(total)
            last = info["final_obs"][5]
            assert np.array_equal(last["instruction"], before["instruction"][5])
            total[:] = 0
        else:
            assert np.array_equal(observation["instruction"], before["instruction"])
        before = observation


def test_what_was_returned_is_not_written_again_unless_copies_are_declined() -> None:
    envs = envs_of()
    first, _ = envs.reset(seed=0)
    kept = {key: array.copy() for key, array in first.items()}
    play(envs, 40)
    assert same(first, kept)
    rewritten = envs_of(copy=False)
    assert rewritten.reset()[0]["image"] is rewritten.step(np.zeros(32, dtype=int))[0]["image"]


def test_same_seed_gives_same_episodes_after_any_history() -> None:
    one, other = envs_of(ARRANGEMENTS), envs_of(ARRANGEMENTS, seed=9)
    play_first = other.reset(seed=3)
    play(other, 15, seed=5)
    a, b = one.reset(seed=11)[0], other.reset(seed=11)[0]
    assert same(a, b)
    assert not same(a, play_first[0])
    for left, right in zip(play(one, 60), play(other, 60), strict=True):
        assert same(left[0], right[0])


def test_environment_b_plays_the_episodes_of_seed_plus_b() -> None:
    whole = envs_of(num_envs=4).reset(seed=5)[0]["image"]
    single = gymnasium.make(RELATIONS).unwrapped
    assert np.array_equal(whole[2], single.reset(seed=7)[0]["image"])


def test_resumed_environments_go_on_bit_by_bit() -> None:
    envs = envs_of()
    envs.reset(seed=2)
    play(envs, 7)
    saved = envs.state_dict()
    ahead = play(envs, 70)
    other = envs_of(seed=77)
    other.load_state_dict(saved)
    for left, right in zip(ahead, play(other, 70), strict=True):
        assert same(left[0], right[0])
        assert all(np.array_equal(x, y) for x, y in zip(left[1:4], right[1:4], strict=True))


def test_saved_states_of_other_tasks_are_refused() -> None:
    envs = envs_of(ARRANGEMENTS)
    envs.reset(seed=0)
    with pytest.raises(ConfigurationError, match="another task or num_envs"):
        envs_of(ARRANGEMENTS, num_envs=5).load_state_dict(envs.state_dict())
    with pytest.raises(ConfigurationError, match=r"instructions that .*Relations.* has not"):
        envs_of(RELATIONS).load_state_dict(envs.state_dict())


def test_splits_have_the_instructions_that_they_are_named_for() -> None:
    kept = {str(relations()[number]) for number in HELD_OUT}
    for split, inside in (("train", False), ("seen", False), ("held_out", True)):
        envs = envs_of(split=split, num_envs=2000)
        envs.reset(seed=0)
        assert {text in kept for text in envs.instructions} == {inside}
    for split, words in (("four", {4}), ("eight", {8})):
        envs = envs_of(ARRANGEMENTS, split=split, num_envs=200)
        observation, _ = envs.reset(seed=0)
        assert set((observation["image"][..., 1] != 0).sum(axis=(1, 2)).tolist()) == words
    with pytest.raises(SplitError, match="no split 'held_out'"):
        envs_of(ARRANGEMENTS, split="held_out")
    assert find_family(RELATIONS).suites["held_out"].split == "held_out"


def test_arrangements_of_four_and_of_eight_blocks_are_half_and_half() -> None:
    envs = envs_of(ARRANGEMENTS, num_envs=4000)
    observation, _ = envs.reset(seed=0)
    blocks = (observation["image"][..., 1] != 0).sum(axis=(1, 2))
    assert set(blocks.tolist()) == {4, 8}
    assert (blocks == 8).mean() == pytest.approx(0.5, abs=0.03)
    colors = [set(image[image != 0].tolist()) for image in observation["image"][..., 1]]
    assert {(count, len(found)) for count, found in zip(blocks.tolist(), colors, strict=True)} == {(4, 1), (8, 2)}


def test_episodes_of_relations_have_blocks_that_are_told_of_and_one_more() -> None:
    envs = envs_of(num_envs=4000)
    observation, _ = envs.reset(seed=1)
    goes = np.array([text.startswith("you") or text.endswith("you") or "you are" in text for text in envs.instructions])
    blocks = (observation["image"][..., 1] != 0).sum(axis=(1, 2))
    assert np.array_equal(blocks, np.where(goes, 2, 3))
    assert goes.mean() == pytest.approx(150 / 990, abs=0.02)
    looks = observation["image"][..., :2].reshape(4000, 25, 2)
    assert min(len({tuple(cell) for cell in grid.tolist() if cell[1]}) for grid in looks) == 2


# The expert


def test_expert_ends_every_episode_in_a_goal_state() -> None:
    envs = envs_of(num_envs=3000, autoreset=False)
    envs.reset(seed=0)
    expert = find_family(RELATIONS).expert(envs)
    assert expert is not None
    first = np.full(3000, 99)
    for step in range(30):
        first[(first == 99) & envs.batch.holds()] = step
        *_, info = envs.step(expert.actions())
        assert not expert.lost.any()
    assert info["success"].all()
    assert first.max() <= 30
    assert np.median(first) <= 7


def test_expert_goes_on_from_any_state_and_never_in_a_circle() -> None:
    envs = envs_of(num_envs=400, autoreset=False, max_steps=1000)
    envs.reset(seed=3)
    play(envs, 25, seed=4)  # some carry blocks now
    assert (envs.batch.worlds.carried > 0).sum() > 30
    expert = Carrier(envs)
    for _ in range(40):
        envs.step(expert.actions())
    assert envs.batch.holds().all()


def test_nobody_knows_how_to_arrange() -> None:
    assert find_family(ARRANGEMENTS).expert(envs_of(ARRANGEMENTS)) is None
    with pytest.raises(ConfigurationError, match="a Carrier plays"):
        Carrier(envs_of(ARRANGEMENTS))


# Goal states


@pytest.mark.parametrize("game", [RELATIONS_GAME, ARRANGEMENTS_GAME])
def test_drawn_goal_states_are_some_and_stay_so_until_a_block_moves(game: Any) -> None:
    envs = drawn_goals(game, "all", 600, 5)
    assert envs.batch.holds().all()
    carried = envs.batch.worlds.carried.copy()
    assert 0.2 < (carried != 0).mean() < 0.45
    envs.load_state_dict(envs.state_dict())  # they were never reset
    _, reward, *_ = envs.step(np.full(600, 4))  # to interact moves no block out of its cell
    assert reward.all()
    assert not envs.batch.worlds.carried[carried != 0].any()


def test_goal_states_are_of_the_part_that_is_asked_for_and_of_both_sources() -> None:
    family = find_family(RELATIONS)
    kept = {str(relations()[number]) for number in HELD_OUT}
    for split, inside in (("train", False), ("held_out", True)):
        states = family.goal_states(split, 300, 1)
        assert states is not None
        texts = [family.spec.vocabulary.decode(row) for row in states["instruction"]]
        assert {text in kept for text in texts} == {inside}
    again, other = (family.goal_states("train", 300, seed) for seed in (1, 2))
    assert np.array_equal(family.goal_states("train", 300, 1)["image"], again["image"])  # type: ignore[index]
    assert not np.array_equal(again["image"], other["image"])  # type: ignore[index]
    drawn, reached = (goal_states(RELATIONS_GAME, "train", 2000, 1, source) for source in ("drawn", "reached"))
    carries = [(states["image"][..., 2] == 2).any(axis=(1, 2)).mean() for states in (drawn, reached)]
    assert 0.2 < carries[0] < 0.35 < carries[1]
    assert reached_goals(RELATIONS_GAME, "train", 50, 2).batch.holds().all()


# What people see


def test_grids_are_drawn() -> None:
    envs = envs_of(num_envs=2, render_mode="rgb_array")
    envs.reset(seed=0)
    pictures = envs.render()
    assert pictures is not None
    assert [picture.shape for picture in pictures] == [(320, 320, 3)] * 2
    assert not np.array_equal(*pictures)
    envs.batch.worlds.position[0] = (envs.batch.worlds.position[0] + 1) % 25
    moved = envs.render()
    assert moved is not None
    assert not np.array_equal(moved[0], pictures[0])
    assert envs_of().render() is None


def test_groups_are_by_what_is_to_be_done() -> None:
    family = find_family(RELATIONS)
    assert family.groups("kind", "you are north of a red circle") == ("go to",)
    assert family.groups("kind", "a circle is north of a red block") == ("bring to",)
    assert find_family(ARRANGEMENTS).groups("kind", "the blocks are an eel") == ("arrange",)
    assert family.groups("instruction", "you are north of a red circle") == ("you are north of a red circle",)
    with pytest.raises(ConfigurationError, match="no breakdown by 'verb'"):
        family.groups("verb", "you are north of a red circle")


def test_pictures_tell_every_symbol_apart() -> None:
    family = find_family(f"{RELATIONS}?view=rgb")
    assert family.spec.observation["image"].shape == (56, 56, 3)
    envs = family.make_vec("all", 500, 0)
    observation, _ = envs.reset(seed=0)
    symbols = envs_of(num_envs=500).reset(seed=0)[0]["image"]
    assert observation in envs.observation_space
    info = play(envs, 30)[-1][-1]
    assert info["final_obs"][3]["image"].shape == (56, 56, 3)
    cells = observation["image"][:, 8:-8, 8:-8].reshape(500, 5, 8, 5, 8, 3).transpose(0, 1, 3, 2, 4, 5)
    drawn: dict[tuple[int, ...], set[bytes]] = {}
    for symbol, cell in zip(symbols.reshape(-1, 3), cells.reshape(-1, 192), strict=True):
        drawn.setdefault(tuple(symbol.tolist()), set()).add(cell.tobytes())
    assert len(drawn) == 20  # floor and nine blocks, with the agent and without
    assert all(len(pictures) == 1 for pictures in drawn.values())
    assert len(set.union(*drawn.values())) == 20
    states = family.goal_states("train", 40, 0)
    assert states is not None
    assert states["image"].shape == (40, 56, 56, 3)
    for settings, message in (("view=depth", "view is one of symbols, rgb"), ("size=6", "no setting 'size'")):
        with pytest.raises(ConfigurationError, match=message):
            find_family(f"{RELATIONS}?{settings}")
