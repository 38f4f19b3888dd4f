"""RTFM behind Gymnasium: the contract of vector environments, seeds, saved states, splits and suites."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from groundling.envs import make_vec
from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.rtfm.vector import RTFMVectorEnv
from groundling.envs.families.manuals.rtfm.wording import BEATS, ELEMENTS, TEAMS, TRAINED, WORDS
from groundling.errors import ActionError, ConfigurationError, SplitError, UnknownEnvironmentError
from groundling.language.vocabulary import split_words

ID = "groundling/RTFM-Groups-Moving-NL-6x6-v0"
STILL = "groundling/RTFM-Simple-6x6-v0"


def envs_of(id: str = ID, split: str = "all", num_envs: int = 32, seed: int = 0, **options: Any) -> RTFMVectorEnv:
    envs = find_family(id).make_vec(split, num_envs, seed, **options)
    assert isinstance(envs, RTFMVectorEnv)
    return envs


def play(envs: RTFMVectorEnv, steps: int, seed: int = 1) -> list[Any]:
    return [envs.step(row) for row in np.random.default_rng(seed).integers(5, size=(steps, envs.num_envs))]


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_environment_passes_gymnasiums_checks() -> None:
    env = gymnasium.make(ID, disable_env_checker=True)
    check_env(env.unwrapped, skip_render_check=True)
    observation, info = env.reset(seed=4)
    assert WORDS.decode(observation["instruction"]) == info["instruction_text"]
    assert [WORDS.decode(line) for line in observation["manual"] if line[0]] == list(info["manual_text"])
    with pytest.raises(ActionError, match="one action"):
        env.step(np.array([1, 2]))
    with pytest.raises(UnknownEnvironmentError, match="no room"):
        gymnasium.make(ID, level="groundling/RTFM-8x8-v0")


def test_single_environment_plays_the_episodes_of_its_seed() -> None:
    env = gymnasium.make(ID).unwrapped
    first = env.reset(seed=7)[1]["manual_text"]
    second = env.reset()[1]["manual_text"]
    assert first != second
    assert [env.reset(seed=7)[1]["manual_text"], env.reset()[1]["manual_text"]] == [first, second]


def test_vector_environment_by_every_way_to_make_it() -> None:
    for envs in (
        make_vec(ID, 3),
        gymnasium.make_vec(ID, 3, vectorization_mode="vector_entry_point"),
    ):
        observation, info = envs.reset(seed=0)
        assert info == {}
        assert observation in envs.observation_space
        assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP


def test_ended_episodes_are_told_as_in_every_vector_environment() -> None:
    envs = envs_of(num_envs=64)
    before, _ = envs.reset(seed=0)
    length, total, ended = np.zeros(64, dtype=int), np.zeros(64), 0
    for observation, reward, terminated, truncated, info in play(envs, 30):
        length, total = length + 1, total + reward
        over = terminated | truncated
        assert observation in envs.observation_space
        assert bool(info) == over.any()
        if info:
            told = info["final_info"]
            assert np.array_equal(info["_final_obs"], over)
            assert np.array_equal(info["success"], told["success"])
            assert np.array_equal(info["success"], reward == 1)
            assert told["episode"]["l"][over].tolist() == length[over].tolist()
            assert told["episode"]["r"][over] == pytest.approx(total[over])
        for row in np.flatnonzero(over):
            last = info["final_obs"][row]
            assert np.array_equal(last["manual"], before["manual"][row])  # the manual that it ended with
            assert last["manual"].tobytes() != observation["manual"][row].tobytes()
            ended += 1
        still_on = ~over
        assert np.array_equal(observation["manual"][still_on], before["manual"][still_on])
        assert np.array_equal(observation["instruction"][still_on], before["instruction"][still_on])
        before, length, total = observation, length * still_on, total * still_on
    assert ended > 100


def test_what_was_returned_is_not_written_again_unless_copies_are_declined() -> None:
    envs = envs_of()
    first, _ = envs.reset(seed=0)
    kept = {key: array.copy() for key, array in first.items()}
    results = play(envs, 20)
    copies = [({k: a.copy() for k, a in result[0].items()}, result[1].copy()) for result in results]
    play(envs, 20)
    assert same(first, kept)
    assert all(
        same(result[0], copy) and np.array_equal(result[1], r)
        for result, (copy, r) in zip(results, copies, strict=True)
    )
    rewritten = envs_of(copy=False)
    assert rewritten.reset()[0]["image"] is rewritten.step(np.zeros(32, dtype=int))[0]["image"]


def test_same_seed_gives_same_episodes_after_any_history() -> None:
    one, other = envs_of(), envs_of(seed=9)
    play_first = other.reset(seed=3)
    play(other, 15, seed=5)
    a, b = one.reset(seed=11)[0], other.reset(seed=11)[0]
    assert same(a, b)
    assert not same(a, play_first[0])
    for left, right in zip(play(one, 25), play(other, 25), strict=True):
        assert same(left[0], right[0])
        assert np.array_equal(left[1], right[1])


def test_environment_b_plays_the_episodes_of_seed_plus_b() -> None:
    whole = envs_of(num_envs=4).reset(seed=5)[0]["manual"]
    assert np.array_equal(whole[2], envs_of(num_envs=1).reset(seed=7)[0]["manual"][0])
    assert np.array_equal(whole[::-1], envs_of(num_envs=4).reset(seed=[8, 7, 6, 5])[0]["manual"])


def test_some_environments_can_be_reset() -> None:
    envs = envs_of(num_envs=4, autoreset=False)
    before = envs.reset(seed=0)[0]
    mask = np.array([False, True, False, False])
    after = envs.reset(options={"reset_mask": mask})[0]
    assert np.array_equal((after["manual"] != before["manual"]).any(axis=(1, 2)), mask)


def test_episode_stays_as_it_ended_without_autoreset() -> None:
    envs = envs_of(num_envs=64, autoreset=False)
    envs.reset(seed=0)
    results = play(envs, 60)
    assert (results[-1][2]).all()
    observation, reward, terminated, _, info = play(envs, 1)[0]
    assert same(observation, results[-1][0])
    assert terminated.all()
    assert not reward.any()
    assert not info["success"].any()
    assert "final_obs" not in info


def test_resumed_environments_go_on_bit_by_bit() -> None:
    envs = envs_of()
    envs.reset(seed=2)
    play(envs, 7)
    saved = envs.state_dict()
    ahead = play(envs, 30)
    other = envs_of(seed=77)
    now = other.load_state_dict(saved)
    assert same(now, {name.split(".")[1]: array for name, array in saved.items() if name.startswith("seen.")})
    for left, right in zip(ahead, play(other, 30), strict=True):
        assert same(left[0], right[0])
        assert all(np.array_equal(x, y) for x, y in zip(left[1:4], right[1:4], strict=True))
    with pytest.raises(ConfigurationError, match="another task or num_envs"):
        envs_of(num_envs=5).load_state_dict(saved)
    with pytest.raises(ConfigurationError, match="dynamics that groundling/RTFM-Simple-6x6-v0 does not have"):
        envs_of(STILL).load_state_dict(saved)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros(3, dtype=int), r"shape \(32,\)"),
        (np.zeros(32), "integers"),
        (np.full(32, 5), "0 to 4, got 5 to 5"),
        (np.full(32, -1), "got -1"),
    ],
)
def test_wrong_actions_are_refused_before_anything_is_stepped(actions: Any, message: str) -> None:
    envs = envs_of()
    envs.reset(seed=0)
    before = envs.state_dict()
    with pytest.raises(ActionError, match=message):
        envs.step(actions)
    assert same(before, envs.state_dict())


def test_other_wrong_calls_are_refused() -> None:
    with pytest.raises(gymnasium.error.ResetNeeded):
        envs_of().step(np.zeros(32, dtype=int))
    with pytest.raises(ConfigurationError, match="num_envs must be at least 1"):
        envs_of(num_envs=0)
    with pytest.raises(ConfigurationError, match="max_steps must be at least 1"):
        envs_of(max_steps=0)
    with pytest.raises(ConfigurationError, match="render_mode"):
        envs_of(render_mode="human")
    with pytest.raises(ConfigurationError, match="as many seeds"):
        envs_of().reset(seed=[1, 2])
    with pytest.raises(ConfigurationError, match="bool array of shape"):
        envs_of().reset(options={"reset_mask": np.ones(3, dtype=bool)})
    with pytest.raises(SplitError, match="choose one of all, train, seen, validation, unseen, larger"):
        envs_of(split="dev")


# Suites


def forms(envs: RTFMVectorEnv, count: int = 20) -> set[str]:
    found: set[str] = set()
    for _ in range(count):
        envs.reset()
        found |= {sentence for manual in envs.manuals for sentence in manual}
    return found


def test_size_suite_has_rooms_of_the_other_size_for_the_same_agent() -> None:
    for id, split, size in ((STILL, "larger", 10), ("groundling/RTFM-Simple-10x10-v0", "smaller", 6)):
        envs = envs_of(id, split)
        image = envs.reset(seed=0)[0]["image"]
        assert image[:, :size, :size, 0].all()
        assert not image[:, size:].any()
        assert not image[:, :, size:].any()
        assert envs.agent_spec == find_family(id).spec


def test_phrasing_suite_has_only_forms_that_training_never_has() -> None:
    element = ELEMENTS[1]
    trained = [form.replace("{element}", element).split("{modifiers}") for form in BEATS[: TRAINED[0]]]
    for sentence in forms(envs_of(split="phrasing"), 3):
        assert not any(sentence.startswith(head) and sentence.endswith(tail) for head, tail in trained), sentence


def test_fixed_manuals_have_one_order_that_the_order_suite_shuffles() -> None:
    envs = envs_of(STILL)
    envs.reset(seed=0)
    for manual in envs.manuals:
        assert [word for line in manual for word in line.split() if word in ELEMENTS] == list(ELEMENTS)
    shuffled = envs_of(STILL, "order")
    shuffled.reset(seed=0)
    orders = {tuple(w for line in manual for w in line.split() if w in ELEMENTS) for manual in shuffled.manuals}
    assert len(orders) > 10


def test_distractors_are_added_and_tell_of_nothing_in_the_world() -> None:
    envs = envs_of(STILL, "distractors")
    envs.reset(seed=0)
    assert {len(manual) for manual in envs.manuals} == {10}
    is_absent = envs.batch.worlds.statement == -1
    assert is_absent.sum(axis=1).tolist() == [3] * 32
    for manual, row in zip(envs.manuals, is_absent, strict=True):
        for sentence in np.array(manual)[row]:
            assert not any(name in sentence for name in (*ELEMENTS, *TEAMS))


def test_the_two_sentences_that_are_needed_say_so() -> None:
    envs = envs_of()
    envs.reset(seed=0)
    needed, worlds = envs.batch.needed(), envs.batch.worlds
    assert needed.sum(axis=1).tolist() == [2] * 32
    for b, manual in enumerate(envs.manuals):
        team = TEAMS[worlds.team[b]]
        said = np.array(manual)[needed[b][: len(manual)]]
        of_team, of_element = sorted(said, key=lambda sentence: team not in sentence)
        assert team in of_team
        assert team in envs.instructions[b]
        assert WORDS.words[worlds.noun[b, 1]] in split_words(of_team)  # the wanted monster
        assert WORDS.words[worlds.adjective[b, 1]] in of_element
        assert WORDS.words[worlds.adjective[b, 3]] in of_element  # and the item against it


def test_goals_of_one_team_mean_the_same() -> None:
    family = find_family(ID)
    assert family.meaning({"instruction": "defeat the star alliance"}) == family.meaning(
        {"instruction": "make the star alliance lose"}
    )
    assert family.meaning({"instruction": "defeat the star alliance"}) != family.meaning(
        {"instruction": "defeat the rebel enclave"}
    )


def test_rooms_are_drawn() -> None:
    envs = envs_of(num_envs=2, render_mode="rgb_array")
    envs.reset(seed=0)
    pictures = envs.render()
    assert [picture.shape for picture in pictures] == [(384, 384, 3)] * 2
    assert not np.array_equal(*pictures)
    assert envs_of().render() is None
