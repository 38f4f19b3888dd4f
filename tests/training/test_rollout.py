"""Rollouts: what is written at every step, above all whose value stands where a time limit cut an episode."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray
from parts import taught_collector
from torch import Tensor, nn

import groundling
from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import ConfigurationError
from groundling.training.algorithms.taught_collection import NO_LABEL, TaughtCollector
from groundling.training.collector import Collector
from groundling.training.recorders import ReferencePolicy
from groundling.training.rollout import Rollout
from groundling.training.statistics import EpisodeStatistics, RunningEpisodes

LEVEL = "BabyAI-GoToObjS4-v0"  # episodes of at most 16 steps
B, T = 5, 40
KEYS = ("image", "direction", "instruction")


class Recorder(gymnasium.vector.VectorWrapper):
    """Keeps everything that a vector environment answered."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.answers: list[tuple[Any, ...]] = []

    def step(self, actions: Any) -> tuple[Any, ...]:
        observation, reward, terminated, truncated, info = self.env.step(actions)
        copied = {key: np.array(observation[key]) for key in KEYS}
        finals = [self._final(info, row) for row in range(self.num_envs)]
        self.answers.append((actions.copy(), copied, reward.copy(), terminated.copy(), truncated.copy(), finals))
        return observation, reward, terminated, truncated, info

    def _final(self, info: dict[str, Any], row: int) -> dict[str, Any] | None:
        final = info["final_obs"][row] if "final_obs" in info else None
        return None if final is None else {key: np.array(final[key]) for key in KEYS}


def make_agent(memory: str = "none") -> ActorCritic:
    torch.manual_seed(0)
    sizes = {"cell_dim": 8, "word_dim": 5, "instruction_dim": 7, "readout_dim": 4, "hidden_dim": 16, "memory_dim": 9}
    agent = ActorCritic(AgentConfig(memory=memory, **sizes))
    nn.init.normal_(agent.value.weight)
    return agent


def native_envs() -> Any:
    return make_vec(bank=EpisodeBank.of_seeds(LEVEL, range(40)), num_envs=B, seed=3, copy=False)


def foreign_envs() -> Any:
    return SyncVectorEnv([lambda: groundling.make(LEVEL)] * B, autoreset_mode=AutoresetMode.SAME_STEP)


def collect(envs: Any, memory: str = "none") -> tuple[Rollout, Recorder, Collector]:
    recorder = Recorder(envs)
    collector = Collector(recorder, make_agent(memory), T, torch.Generator().manual_seed(0))
    collector.start(seed=1)
    return collector.collect(), recorder, collector


@torch.no_grad()
def value_of(agent: ActorCritic, observation: dict[str, Any], state: Tensor) -> tuple[float, Tensor]:
    """Of one observation [without batch dimension] after a memory state [M]."""
    prepared = agent.prepare({key: np.asarray(observation[key])[None] for key in KEYS})
    decision = agent(prepared, state.unsqueeze(0), torch.zeros(1, 1, dtype=torch.bool))
    return float(decision.value), decision.state[0]


@pytest.mark.parametrize("memory", ["none", "gru"])
@pytest.mark.parametrize("make_envs", [native_envs, foreign_envs])
def test_next_value_is_of_the_final_observation_where_truncated_and_of_the_next_one_elsewhere(
    make_envs: Any, memory: str
) -> None:
    """Followed by hand, environment by environment, step by step, with the agent alone."""
    rollout, recorder, collector = collect(make_envs(), memory)
    agent = collector.agent
    truncations = 0
    for b in range(B):
        state = agent.initial_state(1)[0]
        for t, (_, following, _, terminated, truncated, finals) in enumerate(recorder.answers):
            if rollout.is_first[t, b]:
                state = agent.initial_state(1)[0]
            seen = {key: rollout.observation[key][t, b].numpy() for key in KEYS}
            value, state = value_of(agent, seen, state)
            assert float(rollout.value[t, b]) == pytest.approx(value, abs=1e-5)
            if terminated[b]:
                continue  # nothing follows; the advantages do not read it
            upcoming = finals[b] if truncated[b] else {key: following[key][b] for key in KEYS}
            expected, _ = value_of(agent, upcoming, state)
            assert float(rollout.next_value[t, b]) == pytest.approx(expected, abs=1e-5), (t, b)
            truncations += bool(truncated[b])
    assert truncations > B  # the level's time limit is far shorter than the rollout


def test_value_of_the_reset_observation_would_be_another_where_truncated() -> None:
    """Negative control: the final observation and the next episode's first one are told apart."""
    rollout, _, _ = collect(native_envs())
    cut = (rollout.truncated & ~rollout.terminated)[:-1]
    assert cut.any()
    assert not torch.isclose(rollout.next_value[:-1][cut], rollout.value[1:][cut], atol=1e-3).all()


@pytest.mark.parametrize("make_envs", [native_envs, foreign_envs])
def test_rollout_is_what_the_environments_answered(make_envs: Any) -> None:
    rollout, recorder, _ = collect(make_envs())
    assert rollout.is_first[0].all()
    for t, (actions, following, reward, terminated, truncated, _) in enumerate(recorder.answers):
        assert rollout.action[t].tolist() == actions.tolist()
        np.testing.assert_allclose(rollout.reward[t], reward, rtol=1e-6)
        assert rollout.terminated[t].tolist() == terminated.tolist()
        assert rollout.truncated[t].tolist() == truncated.tolist()
        if t + 1 < T:
            assert rollout.is_first[t + 1].tolist() == (terminated | truncated).tolist()
            for key in KEYS:
                assert np.array_equal(rollout.observation[key][t + 1], following[key]), key


@pytest.mark.parametrize("memory", ["none", "lstm"])
def test_log_probabilities_are_the_agents_own(memory: str) -> None:
    rollout, _, collector = collect(native_envs(), memory)
    prepared = collector.agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
    with torch.no_grad():
        decision = collector.agent(prepared, rollout.initial_state, rollout.is_first)
    expected = decision.logits.log_softmax(dim=-1).gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(rollout.log_prob, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(rollout.value, decision.value, rtol=1e-4, atol=1e-5)


def test_second_rollout_goes_on_where_the_first_stopped() -> None:
    recorder = Recorder(native_envs())
    collector = Collector(recorder, make_agent("gru"), T, torch.Generator().manual_seed(0))
    collector.start(seed=1)
    collector.collect()
    state, (*_, last) = collector.state.clone(), recorder.answers
    assert torch.equal(collector.rollout.final_state, state)
    second = collector.collect()
    assert torch.equal(second.initial_state, state)
    assert np.array_equal(second.observation["image"][0], last[1]["image"])
    assert second.is_first[0].tolist() == (last[3] | last[4]).tolist()


@pytest.mark.parametrize("make_envs", [native_envs, foreign_envs])
def test_statistics_are_means_over_the_episodes_that_were_played(make_envs: Any) -> None:
    rollout, _, collector = collect(make_envs())
    ended, running = [], []
    for b in range(B):
        total, length = 0.0, 0
        for t in range(T):
            total, length = total + float(rollout.reward[t, b]), length + 1
            if rollout.terminated[t, b] or rollout.truncated[t, b]:
                ended.append((t + 1 - length, total, length, bool(rollout.terminated[t, b])))
                total, length = 0.0, 0
        running.append(T - length)
    taken = collector.statistics.take()
    assert taken["episodes"] == len(ended)
    returns, lengths, successes = zip(*(row[1:] for row in ended if row[0] < min(running)), strict=True)
    assert 0 < sum(successes) < len(successes)
    assert taken["window"] == len(returns)
    assert taken["return"] == pytest.approx(np.mean(returns), rel=1e-5)
    assert taken["episode_length"] == pytest.approx(np.mean(lengths))
    assert taken["success"] == pytest.approx(np.mean(successes))


def test_statistics_are_cleared_when_taken_and_nan_without_episodes() -> None:
    _, _, collector = collect(native_envs())
    collector.statistics.take()
    assert collector.statistics.take()["episodes"] == 0
    empty = EpisodeStatistics().take()
    assert empty["episodes"] == empty["window"] == 0
    assert np.isnan([empty["return"], empty["success"], empty["episode_length"]]).all()


@pytest.mark.parametrize("envs", [1, 7, 150])
def test_means_are_over_a_window_of_the_episodes_before_which_none_began_that_still_runs(envs: int) -> None:
    """Lengths and successes go together, so that a mean of those that ended first would be another."""
    statistics = EpisodeStatistics(("A", "B"), window=max(100, envs))
    generator = np.random.default_rng(envs)
    left, began, ended_at_all, begun = generator.integers(1, 30, envs), np.zeros(envs, int), [], []
    taken_until = 0
    for step in range(1, 401):
        left = left - 1
        ended = left == 0
        if ended.any():
            lengths = np.where(ended, step - began, 0)
            success, task = lengths < 8, generator.integers(2, size=envs)
            episode = {"r": np.where(success, 1 - lengths / 40, 0), "l": lengths}
            statistics.add({"final_info": {"episode": episode, "success": success, "task": task}}, ended)
            for env in np.flatnonzero(ended):
                ended_at_all.append((began[env], env, lengths[env], episode["r"][env], success[env], task[env]))
                began[env], left[env] = step, generator.integers(1, 30)
        if step % 16 or step in (48, 64, 80):
            continue
        saved = statistics.state_dict()
        taken = statistics.take()
        again = EpisodeStatistics(("A", "B"), window=statistics.window)
        again.load_state_dict(saved)
        assert np.array_equal(list(again.take().values()), list(taken.values()), equal_nan=True)
        known = sorted((row for row in ended_at_all if row[0] < began.min()), key=lambda row: row[0])
        assert taken["episodes"] == len(ended_at_all) - taken_until
        taken_until = len(ended_at_all)
        if not ended_at_all:
            assert taken["window"] == 0
            continue
        if not known:
            first = [row for row in ended_at_all if row[0] == 0]
            assert taken["window"] == envs
            assert taken["success"] == sum(row[4] for row in first) / envs
            assert np.isnan([taken["return"], taken["episode_length"]]).all()
            continue
        size = max(statistics.window, len(known) - len(begun))
        window, begun = known[-size:], known
        assert taken["window"] == len(window)
        assert taken["success"] == pytest.approx(np.mean([row[4] for row in window]))
        assert taken["return"] == pytest.approx(np.mean([row[3] for row in window]))
        assert taken["episode_length"] == pytest.approx(np.mean([row[2] for row in window]))
    assert len(begun) > 10 * min(envs, 20)


def test_success_that_nobody_told_is_not_guessed_from_the_return() -> None:
    statistics = EpisodeStatistics()
    episode = {"r": np.array([0.5, 0.0, 9.0]), "l": np.array([3, 4, 5])}
    statistics.add({"final_info": {"episode": episode}}, np.array([True, True, False]))
    taken = statistics.take()
    assert np.isnan(taken["success"])
    assert taken["episodes"] == 2
    statistics.add({"final_info": {"episode": episode}}, np.array([False, False, True]))
    taken = statistics.take()
    assert np.isnan(taken["success"])
    assert (taken["episodes"], taken["window"]) == (1, 3)
    assert taken["return"] == pytest.approx(9.5 / 3)
    assert taken["episode_length"] == 4


def test_episodes_of_unknown_success_do_not_count_among_the_told_ones() -> None:
    statistics = EpisodeStatistics()
    episode, both = {"r": np.ones(2), "l": np.ones(2, dtype=np.int64)}, np.array([True, True])
    statistics.add({"final_info": {"episode": episode}}, both)
    statistics.add({"final_info": {"episode": episode, "success": np.array([True, False])}}, both)
    taken = statistics.take()
    assert (taken["success"], taken["episodes"]) == (0.5, 4)


@pytest.mark.parametrize("key", ["success", "is_success"])
@pytest.mark.parametrize("place", ["info", "final_info"])
def test_success_is_told_by_gymnasium_s_or_stable_baselines_key_in_either_place(key: str, place: str) -> None:
    """A reward that says the opposite changes nothing."""
    ended = np.array([True, True, False])
    told = {key: np.array([False, True, True])}
    info = RunningEpisodes(3).reported(told if place == "info" else {"final_info": told}, np.array([1.0, -1, 0]), ended)
    statistics = EpisodeStatistics()
    statistics.add(info, ended)
    assert [array.tolist() for array in statistics.successes] == [[0, 1]]
    assert statistics.take()["success"] == pytest.approx(1 / 3)  # the third one still runs


def test_success_in_final_info_is_that_of_the_episode_that_ended() -> None:
    """What stands in the info beside it may be of the next episode."""
    ended = np.array([True])
    info = {"success": np.array([False]), "final_info": {"is_success": np.array([True])}}
    final = RunningEpisodes(1).reported(info, np.zeros(1), ended)["final_info"]
    assert final["success"].tolist() == [True]
    assert "is_success" not in final


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_other_autoreset_modes_are_refused(mode: AutoresetMode) -> None:
    envs = SyncVectorEnv([lambda: groundling.make(LEVEL)], autoreset_mode=mode)
    with pytest.raises(ConfigurationError, match="SAME_STEP"):
        Collector(envs, make_agent(), T, torch.Generator())


def test_environments_without_instructions_are_refused() -> None:
    envs = native_envs()
    parts = {key: space for key, space in envs.single_observation_space.items() if key != "instruction"}
    envs.single_observation_space = spaces.Dict(parts)
    with pytest.raises(ConfigurationError, match="no instruction"):
        Collector(envs, make_agent(), T, torch.Generator())


def test_foreign_environments_are_not_saved_and_begin_new_episodes() -> None:
    first, second = (Collector(foreign_envs(), make_agent("gru"), T, torch.Generator()) for _ in range(2))
    first.start(seed=1)
    first.collect()
    saved = first.state_dict()
    assert saved["envs"] is None
    second.start(seed=2)
    second.load_state_dict(saved)
    assert second.is_first.all()
    rollout = second.collect()
    assert not rollout.initial_state.any()  # new episodes begin without a memory of the old ones


def test_saved_collector_goes_on_exactly() -> None:
    first, second = (
        Collector(native_envs(), make_agent("gru"), T, torch.Generator().manual_seed(seed)) for seed in (0, 99)
    )
    first.start(seed=1)
    second.start(seed=2)
    first.collect()
    second.load_state_dict(first.state_dict())
    second.statistics.load_state_dict(first.statistics.state_dict())
    ours, theirs = first.collect(), second.collect()
    assert torch.equal(ours.action, theirs.action)
    assert torch.equal(ours.next_value, theirs.next_value)
    assert torch.equal(ours.observation["image"], theirs.observation["image"])
    assert first.statistics.take() == second.statistics.take()


def test_rollout_without_recorders_has_no_further_columns() -> None:
    rollout, _, _ = collect(native_envs())
    assert rollout.columns == {}


# Teachers


class Counting:
    """Says actions that tell when they were said: the number of times that it was asked, and the environment."""

    def __init__(self) -> None:
        self.lost = np.zeros(B, dtype=np.bool_)
        self.asked = 0
        self._said = np.zeros(B, dtype=np.int64)

    def actions(self) -> NDArray[np.int64]:
        """Written into the same array every time, as by the expert; lost in environment 2 at every third time."""
        self._said[:] = (self.asked + np.arange(B)) % 7
        self.lost[2] = self.asked % 3 == 0
        self.asked += 1
        return self._said

    def state_dict(self) -> dict[str, NDArray[Any]]:
        return {"asked": np.array(self.asked)}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        self.asked = int(saved["asked"])


def taught(share: float, memory: str = "none", seed: int = 0) -> TaughtCollector:
    return taught_collector(native_envs(), make_agent(memory), T, Counting(), share=share, seed=seed, start=1)


SAID = [[(t + b) % 7 for b in range(B)] for t in range(T)]
LABELS = [[NO_LABEL if b == 2 and t % 3 == 0 else SAID[t][b] for b in range(B)] for t in range(T)]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_teacher_is_asked_once_a_step_and_what_it_says_is_the_label(share: float) -> None:
    collector = taught(share)
    rollout = collector.collect()
    assert rollout.columns["label"].tolist() == LABELS
    assert isinstance(collector.labels.teacher, Counting)
    assert collector.labels.teacher.asked == T
    assert collector.collect().columns["label"][0].tolist() == [(T + b) % 7 for b in range(B)]


def test_teacher_alone_acts_as_it_says_even_where_it_is_lost_and_the_agent_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the agent was asked")

    monkeypatch.setattr(ActorCritic, "forward", refuse)
    collector = taught(1.0, "gru")
    rollout = collector.collect()
    assert rollout.action.tolist() == SAID
    rollout.final_state[:] = 7.0  # as an update leaves it
    assert (collector.collect().initial_state == 7).all()


def test_teacher_with_no_share_only_labels() -> None:
    """The agent acts as it does alone, with the same draws."""
    alone = Collector(native_envs(), make_agent("gru"), T, torch.Generator().manual_seed(0))
    alone.start(seed=1)
    expected = alone.collect()
    rollout = taught(0.0, "gru").collect()
    assert torch.equal(rollout.action, expected.action)
    assert torch.equal(rollout.observation["image"], expected.observation["image"])
    assert torch.equal(rollout.final_state, expected.final_state)


def test_teacher_acts_as_often_as_its_share_says() -> None:
    """Beside a new agent, whose own action is the teacher's in one of seven cases."""
    for share in (0.25, 0.75):
        rollout = taught(share).collect()
        agreement = (rollout.action == torch.tensor(SAID)).float().mean()
        assert float(agreement) == pytest.approx(share + (1 - share) / 7, abs=0.1)


def test_log_probability_is_of_the_action_that_was_taken_whoever_chose_it() -> None:
    collector = taught(0.5)
    rollout = collector.collect()
    prepared = collector.agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
    with torch.no_grad():
        decision = collector.agent(prepared, rollout.initial_state, rollout.is_first)
    expected = decision.logits.log_softmax(dim=-1).gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(rollout.log_prob, expected, rtol=1e-4, atol=1e-5)


# Reference policies


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_reference_s_logits_are_its_own_with_a_memory_of_its_own(memory: str) -> None:
    """Over two rollouts, whose cut is in the middle of episodes."""
    agent, reference = make_agent(memory), make_agent(memory)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(parameter))))
    envs = native_envs()
    recorders = [ReferencePolicy(reference, B)]
    collector = Collector(envs, agent, T, torch.Generator().manual_seed(0), recorders=recorders)
    collector.start(seed=1)
    rollouts = []
    for _ in range(2):
        out = collector.collect()
        parts = {**out.observation, "is_first": out.is_first, **out.columns}
        rollouts.append({name: array.clone() for name, array in parts.items()})
    whole = {name: torch.cat([rollout[name] for rollout in rollouts]) for name in rollouts[0]}
    prepared = reference.prepare({key: whole[key].flatten(0, 1) for key in KEYS})
    with torch.no_grad():
        own, other = (each(prepared, each.initial_state(B), whole["is_first"]) for each in (reference, agent))
    torch.testing.assert_close(whole["reference"], own.logits, rtol=1e-4, atol=1e-5)
    assert not torch.isclose(whole["reference"], other.logits, atol=1e-3).all()
    assert not rollouts[1]["is_first"][0].all()


def test_reference_changes_nothing_in_what_is_played() -> None:
    alone, _, _ = collect(native_envs(), "gru")
    recorders = [ReferencePolicy(make_agent("gru"), B)]
    collector = Collector(native_envs(), make_agent("gru"), T, torch.Generator().manual_seed(0), recorders=recorders)
    collector.start(seed=1)
    watched = collector.collect()
    assert torch.equal(watched.action, alone.action)
    assert torch.equal(watched.value, alone.value)


def test_saved_collector_goes_on_exactly_with_teacher_and_reference() -> None:
    def make(seed: int) -> Collector:
        agent, recorders = make_agent("gru"), (ReferencePolicy(make_agent("gru"), B),)
        return taught_collector(
            native_envs(), agent, T, Counting(), share=0.5, seed=seed, start=1 + seed, recorders=recorders
        )

    first, second = make(0), make(99)
    first.collect()
    second.load_state_dict(first.state_dict())
    ours, theirs = first.collect(), second.collect()
    assert set(ours.columns) == {"label", "taught action", "reference"}
    for name in ("action", "final_state"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name)), name
    for name, column in ours.columns.items():
        assert torch.equal(column, theirs.columns[name]), name
