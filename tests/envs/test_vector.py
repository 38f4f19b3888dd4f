"""The vector environment: Gymnasium's contract, kept to the letter at the boundary between two episodes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics, TransformAction, TransformReward

import groundling
from groundling.envs import EpisodeBank, GroundlingVectorEnv, make_vec
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.final_observations import FinalObservations
from groundling.errors import ActionError, ConfigurationError
from groundling.language import VOCABULARY
from groundling.seeding import integer

B = 6
Observation = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-PickupDistDebug-v0", range(50))  # strict: episodes end soon, and in every way


def random_actions(steps: int, seed: int = 0, num_envs: int = B) -> np.ndarray:
    return np.random.default_rng(seed).integers(7, size=(steps, num_envs))


def copy_of(observation: Observation) -> Observation:
    return {name: array.copy() for name, array in observation.items()}


def same(first: Observation, second: Observation) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


# Spaces


@pytest.mark.parametrize("is_copied", [True, False])
def test_spaces_contain_the_observations(bank: EpisodeBank, is_copied: bool) -> None:
    envs = make_vec(bank=bank, num_envs=B, copy=is_copied)
    observation, _ = envs.reset(seed=0)
    assert envs.observation_space.contains(observation)
    for actions in random_actions(100):
        assert envs.action_space.contains(actions)
        observation, reward, terminated, truncated, info = envs.step(actions)
        assert envs.observation_space.contains(observation)
        assert (reward.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
        assert reward.shape == terminated.shape == truncated.shape == (B,)
        for final in info.get("final_obs", ()):
            assert final is None or envs.single_observation_space.contains(final)


def test_spaces_are_the_same_for_every_level_of_as_many_clauses() -> None:
    small, big = (
        make_vec(bank=EpisodeBank.of_seeds(level, [0]), num_envs=2)
        for level in ("BabyAI-GoToObjS4-v0", "BabyAI-PutNextLocal-v0")
    )
    assert small.observation_space == big.observation_space
    assert small.action_space == big.action_space
    assert small.vocabulary_size == len(VOCABULARY) == small.single_observation_space["instruction"].high[0] + 1


def test_sequences_are_longer_rows_of_tokens() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToSeqS5R2-v0", range(B)), num_envs=B, shuffle=False)
    observation, _info = envs.reset()
    assert observation["instruction"].shape == (B, 96)
    assert envs.observation_space.contains(observation)
    assert [VOCABULARY.decode(row) for row in observation["instruction"]] == list(envs.instructions)
    assert any(text.count("go to") > 1 for text in envs.instructions)


def test_autoreset_in_the_same_step_is_declared(bank: EpisodeBank) -> None:
    assert make_vec(bank=bank, num_envs=B).metadata["autoreset_mode"] is AutoresetMode.SAME_STEP


# The end of an episode


@pytest.mark.parametrize("shuffle", [True, False])
def test_steps_across_episodes_are_those_of_worlds_reset_by_hand(bank: EpisodeBank, shuffle: bool) -> None:
    envs = make_vec(bank=bank, num_envs=B, shuffle=shuffle)
    by_hand = WorldBatch(bank, B, shuffle=shuffle, order_seed=integer(4, "order"))
    observation, _ = envs.reset(seed=4)
    by_hand.reset()
    total, length = np.zeros(B), np.zeros(B, dtype=int)
    ends = successes = failures = 0
    for actions in random_actions(600):
        observation, reward, terminated, truncated, info = envs.step(actions)
        by_hand.step(actions, autoreset=False)
        out = by_hand.outcomes
        assert np.array_equal(reward, out.reward)
        assert np.array_equal(terminated, out.terminated)
        assert np.array_equal(truncated, out.truncated)
        total, length = total + reward, length + 1
        ended = terminated | truncated
        assert ended.any() == ("final_obs" in info) == ("final_info" in info) == ("success" in info)
        if ended.any():
            for mask in ("_final_obs", "_final_info", "_success"):
                assert np.array_equal(info[mask], ended)
            last = by_hand.observations
            for row, final in enumerate(info["final_obs"]):
                assert (final is not None) == ended[row]
                if final is not None:
                    assert np.array_equal(final["image"], last.image[row].reshape(7, 7, 3))
                    assert final["direction"] == last.direction[row]
                    assert np.array_equal(final["instruction"], last.instruction[row])
            assert np.array_equal(info["final_info"]["episode"]["r"], np.where(ended, total, 0))
            assert np.array_equal(info["final_info"]["episode"]["l"], np.where(ended, length, 0))
            assert np.array_equal(info["success"], ended & (reward > 0))
            total[ended], length[ended] = 0, 0
            by_hand.reset(ended)
            ends += int(ended.sum())
            successes += int(info["success"].sum())
            failures += int((terminated & ~info["success"]).sum())
        assert np.array_equal(observation["image"].reshape(B, -1), by_hand.observations.image)
        assert np.array_equal(observation["direction"], by_hand.observations.direction)
        assert np.array_equal(observation["instruction"], by_hand.observations.instruction)
    assert ends > 50
    assert successes > 5
    assert failures > 5
    assert ends > successes + failures


def test_terminated_and_truncated_are_kept_apart(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B, shuffle=False)
    envs.reset()
    limit = bank.max_steps[0]
    assert (bank.max_steps == limit).all()
    for step in range(1, limit + 1):
        _, reward, terminated, truncated, info = envs.step(np.full(B, 6))  # done: nothing is ever picked up
        assert not terminated.any()
        assert truncated.all() == truncated.any() == (step == limit)
        assert (reward == 0).all()
    assert info["final_info"]["episode"]["l"].tolist() == [limit] * B
    assert not info["success"].any()

    ends = [envs.step(actions)[2:4] for actions in random_actions(600)]
    terminated, truncated = (np.stack(parts) for parts in zip(*ends, strict=True))
    assert terminated.sum() > 20
    assert (terminated & ~truncated).sum() > 20


def test_final_observations_are_read_and_written_like_gymnasiums(bank: EpisodeBank) -> None:
    arrays = {"direction": np.array([1, 2, 3]), "image": np.arange(6).reshape(3, 2)}
    final = FinalObservations(arrays, np.array([True, False, True]))
    assert len(final) == 3
    assert final[1] is None
    assert [observation is None for observation in final] == [False, True, False]
    assert final[2]["direction"] == 3
    assert final[2]["image"].tolist() == [4, 5]
    final[2] = "changed"
    assert list(final)[2] == "changed"
    assert final[0]["direction"] == 1


@pytest.mark.parametrize(
    "read",
    [
        list,
        copy.copy,
        copy.deepcopy,
        lambda final: pickle.loads(pickle.dumps(final)),
        lambda final: final.tolist(),
        lambda final: final[:],
        lambda final: final.copy(),
        lambda final: final.filled(),
        lambda final: np.concatenate([final, final])[:3],
        lambda final: [final[-3], final[-2], final[np.int64(2)]],
    ],
)
def test_final_observations_are_filled_however_they_are_read(read: Any) -> None:
    final = FinalObservations({"direction": np.array([1, 2, 3])}, np.array([True, False, True]))
    assert isinstance(final, np.ndarray)
    assert final.dtype == object
    assert [None if one is None else one["direction"] for one in read(final)] == [1, None, 3]


def test_steps_of_an_end_tell_what_gymnasiums_own_environments_tell() -> None:
    def of_an_end(envs: VectorEnv) -> tuple[dict[str, Any], dict[str, Any], np.ndarray]:
        envs.action_space.seed(0)
        envs.reset(seed=0)
        while True:
            observation, _, terminated, truncated, info = envs.step(envs.action_space.sample())
            if "final_obs" in info:
                return observation, info, terminated | truncated

    id = "groundling/GoToObj-v0"
    theirs, their_info, _ = of_an_end(
        SyncVectorEnv([lambda: gymnasium.make(id)] * 3, autoreset_mode=AutoresetMode.SAME_STEP)
    )
    envs = groundling.make_vec(id, 3, bank_size=16, progress=False)
    ours, info, ended = of_an_end(envs)
    assert envs.autoreset_mode is envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert ours.keys() == theirs.keys()
    assert not ours.keys() & info.keys()
    text = {"instruction_text", "_instruction_text"}  # libraries make tensors of all that info has
    assert their_info.keys() - info.keys() == text
    assert their_info["final_info"].keys() - info["final_info"].keys() == text
    assert info["final_obs"].dtype == their_info["final_obs"].dtype == object
    for told, like in ((info, their_info), (info["final_info"], their_info["final_info"])):
        for key in told.keys() & like.keys():
            assert isinstance(told[key], type(like[key]))
            assert np.shape(told[key]) == np.shape(like[key])
            assert getattr(told[key], "dtype", None) == getattr(like[key], "dtype", None)
    assert np.array_equal(info["_final_obs"], ended)


# Copies


def test_copied_observations_are_never_rewritten(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B)
    observation, _ = envs.reset(seed=0)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    rng = np.random.default_rng(1)

    def keep(array: np.ndarray) -> None:
        view = array[1:] if rng.random() < 0.5 else array[:, ...]
        kept.append((view, view.copy()))

    saved = envs.state_dict()
    for step, actions in enumerate(random_actions(200)):
        keep(observation[str(rng.choice(list(observation)))])
        if step % 50 == 20:
            observation, _ = envs.reset(options={"reset_mask": np.arange(B) < 2})
            keep(observation["image"])
        if step % 50 == 40:
            observation = envs.load_state_dict(saved)
            keep(observation["image"])
        observation, *results, info = envs.step(actions)
        kept.extend((array, array.copy()) for array in results)
        if "final_obs" in info:
            keep(info["final_obs"].arrays["image"])
            kept.append((info["final_info"]["episode"]["l"], info["final_info"]["episode"]["l"].copy()))
    assert all(np.array_equal(view, then) for view, then in kept)


def test_observations_that_are_not_copied_are_rewritten_in_place(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B, copy=False)
    first, _ = envs.reset(seed=0)
    then = copy_of(first)
    second, *_ = envs.step(np.full(B, 0))
    assert all(np.shares_memory(first[name], second[name]) for name in first)
    assert not np.array_equal(first["direction"], then["direction"])


def test_copying_does_not_change_what_is_seen(bank: EpisodeBank) -> None:
    copied, shared = (make_vec(bank=bank, num_envs=B, copy=copy) for copy in (True, False))
    assert same(copied.reset(seed=2)[0], shared.reset(seed=2)[0])
    for actions in random_actions(100):
        assert same(copied.step(actions)[0], shared.step(actions)[0])


# Order of episodes


def first_steps(envs: GroundlingVectorEnv, seed: int, steps: int) -> list[Observation]:
    observation, _ = envs.reset(seed=seed)
    seen = [copy_of(observation)]
    for actions in random_actions(steps, seed=9):
        observation, reward, terminated, truncated, _ = envs.step(actions)
        seen.append({**copy_of(observation), "outcome": np.stack([reward, terminated, truncated])})
    return seen


def test_same_seed_gives_same_episodes_after_any_history(bank: EpisodeBank) -> None:
    fresh = make_vec(bank=bank, num_envs=B)
    used = make_vec(bank=bank, num_envs=B, seed=77)
    used.reset()
    for actions in random_actions(123, seed=5):
        used.step(actions)
    used.reset(options={"reset_mask": np.arange(B) == 3})
    expected = first_steps(fresh, seed=8, steps=1000)
    for again in (first_steps(used, seed=8, steps=1000), first_steps(fresh, seed=8, steps=1000)):
        assert all(same(one, other) for one, other in zip(expected, again, strict=True))
    other_seed = first_steps(used, seed=9, steps=50)
    assert not all(same(one, other) for one, other in zip(expected[:51], other_seed, strict=True))


def test_seed_of_the_constructor_is_that_of_the_first_reset(bank: EpisodeBank) -> None:
    by_constructor, by_reset = make_vec(bank=bank, num_envs=B, seed=5), make_vec(bank=bank, num_envs=B)
    by_constructor.reset()
    by_reset.reset(seed=5)
    assert np.array_equal(by_constructor.worlds.state.episode, by_reset.worlds.state.episode)


def test_reset_without_a_seed_goes_on_to_other_episodes(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B, shuffle=False)
    played = []
    for _ in range(3):
        envs.reset()
        played.extend(envs.worlds.state.episode.tolist())
    assert played == list(range(3 * B))


def test_list_of_seeds_and_negative_seed_are_refused(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B)
    with pytest.raises(ConfigurationError, match="give one integer"):
        envs.reset(seed=[0] * B)
    with pytest.raises(ConfigurationError, match="not negative"):
        envs.reset(seed=-3)


def test_masked_reset_leaves_the_other_environments_alone(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B, shuffle=False)
    envs.reset()
    before, *_ = envs.step(np.full(B, 0))
    mask = np.array([True, False, False, True, False, True])
    after, _ = envs.reset(options={"reset_mask": mask})
    assert envs.worlds.state.step_count.tolist() == [0, 1, 1, 0, 1, 0]
    assert envs.worlds.state.episode.tolist() == [B, 1, 2, B + 3, 4, B + 5]
    for name in before:
        assert np.array_equal(after[name][~mask], before[name][~mask])
    assert after["direction"][mask].tolist() == bank.poses[[B, B + 3, B + 5], 2].tolist()


@pytest.mark.parametrize("mask", [[True] * (B + 1), [1] * B, True])
def test_wrong_mask_is_refused(bank: EpisodeBank, mask: object) -> None:
    envs = make_vec(bank=bank, num_envs=B)
    envs.reset()
    with pytest.raises(ConfigurationError, match=r"bool array of shape \(6,\)"):
        envs.reset(options={"reset_mask": mask})


# Instructions


def test_sentences_agree_with_the_tokens(bank: EpisodeBank) -> None:
    envs = make_vec(bank=bank, num_envs=B)
    observation, _ = envs.reset(seed=0)
    spoken = set()
    for actions in random_actions(100):
        decoded = tuple(VOCABULARY.decode(row) for row in observation["instruction"])
        assert decoded == envs.instructions
        spoken.update(decoded)
        observation, *_, _info = envs.step(actions)
    assert len(spoken) > B


# What is refused


@pytest.mark.parametrize(
    "actions",
    [np.full(B, 7), np.full(B, -1), np.zeros(B), np.zeros(B + 1, dtype=int), np.zeros((B, 7), dtype=int), 0, None],
)
def test_wrong_actions_are_refused_and_nothing_is_stepped(bank: EpisodeBank, actions: object) -> None:
    envs, untouched = (make_vec(bank=bank, num_envs=B) for _ in range(2))
    observation, _ = envs.reset(seed=0)
    untouched.reset(seed=0)
    then = copy_of(observation)
    with pytest.raises(ActionError):
        envs.step(actions)
    assert same(observation, then)
    for right in random_actions(30):
        assert same(envs.step(right)[0], untouched.step(right)[0])


def test_step_before_reset_is_refused(bank: EpisodeBank) -> None:
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        make_vec(bank=bank, num_envs=B).step(np.zeros(B, dtype=int))


def test_zero_environments_are_refused_before_a_bank_is_built(bank: EpisodeBank) -> None:
    with pytest.raises(ConfigurationError, match="num_envs must be at least 1, got 0"):
        make_vec("BabyAI-GoToLocal-v0", num_envs=0, bank_size=10**9)
    with pytest.raises(ConfigurationError, match="num_envs must be at least 1, got 0"):
        GroundlingVectorEnv(bank, 0)


def test_neither_id_nor_bank_and_unknown_render_mode_are_refused(bank: EpisodeBank) -> None:
    with pytest.raises(ConfigurationError, match="the id of an environment, or a bank"):
        make_vec(num_envs=2)
    with pytest.raises(ConfigurationError, match="'rgb_array', got 'human'"):
        make_vec(bank=bank, num_envs=2, render_mode="human")


# Saved states, and Gymnasium's own tools


def test_saved_state_continues_in_another_environment(bank: EpisodeBank) -> None:
    envs, other = make_vec(bank=bank, num_envs=B), make_vec(bank=bank, num_envs=B, seed=3, shuffle=False)
    envs.reset(seed=1)
    for actions in random_actions(50):
        observation, *_ = envs.step(actions)
    saved = envs.state_dict()
    assert same(other.load_state_dict(saved), observation)
    assert other.instructions == envs.instructions
    for actions in random_actions(200, seed=1):
        first, second = envs.step(actions), other.step(actions)
        assert same(first[0], second[0])
        assert all(np.array_equal(a, b) for a, b in zip(first[1:4], second[1:4], strict=True))


def test_gymnasiums_statistics_agree_with_ours(bank: EpisodeBank) -> None:
    envs = RecordEpisodeStatistics(make_vec(bank=bank, num_envs=B))
    envs.reset(seed=0)
    ends = 0
    for actions in random_actions(200):
        *_, info = envs.step(actions)
        if "episode" in info:
            assert np.array_equal(info["episode"]["l"], info["final_info"]["episode"]["l"])
            assert np.allclose(info["episode"]["r"], info["final_info"]["episode"]["r"])
            ends += int(info["_episode"].sum())
    assert envs.episode_count == ends > 20


def test_wrappers_of_gymnasium_transform_rewards_and_actions(bank: EpisodeBank) -> None:
    plain = make_vec(bank=bank, num_envs=B)
    turned = TransformAction(make_vec(bank=bank, num_envs=B), lambda actions: 6 - actions)
    wrapped = TransformReward(turned, lambda reward: 10 * reward)
    assert same(plain.reset(seed=0)[0], wrapped.reset(seed=0)[0])
    rewards = 0.0
    for actions in random_actions(200):
        expected, got = plain.step(actions), wrapped.step(6 - actions)
        assert same(expected[0], got[0])
        assert np.array_equal(10 * expected[1], got[1])
        rewards += expected[1].sum()
    assert rewards > 0


def test_gymnasium_makes_the_vector_environment() -> None:
    envs = gymnasium.make_vec(
        "groundling/GoToLocal-v0", num_envs=3, vectorization_mode="vector_entry_point", bank_size=64, progress=False
    )
    assert isinstance(envs, GroundlingVectorEnv)
    assert len(envs.bank) == 64
    assert envs.bank.level == "BabyAI-GoToLocal-v0"
    observation, _ = envs.reset(seed=0)
    assert observation["image"].shape == (3, 7, 7, 3)
    envs.close()
