from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hand_built import episode

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.answers import MASK_KEY, Answers
from groundling.envs.engine.constants import ANSWER, NO_CLAUSE, NUM_ACTIONS, STOP, STRICT, Action
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.rover import Rover
from groundling.envs.engine.subgoals import subgoals_now
from groundling.envs.first_person import Camera
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ActionError, ConfigurationError
from groundling.interfaces import ACTION_MASK, TOKENS

NAMES = ("yes", "no", "red")
YES, NO, RED = (NUM_ACTIONS + k for k in range(3))
FORWARD, DONE, TOGGLE = int(Action.FORWARD), int(Action.DONE), int(Action.TOGGLE)


def suitable(sentence: str) -> np.ndarray:
    return np.array([True, True, False]) if "open" in sentence else np.array([False, False, True])


ANSWERS = Answers(NAMES, suitable)
STOPPING = replace(ANSWERS, stops_first=True)
NOTES = (NO_CLAUSE, 1, 2, 3)


def embodiment(answers: Answers, body: str) -> Embodiment:
    rover = Rover() if body == "rover" else None
    return Embodiment(
        rover=rover,
        camera=Camera(width=8, height=6),
        num_actions=answers.num_actions,
        answers=answers,
        text_key="question",
    )


def make_envs(right: int, body: str = "grid", *, stops: bool = False, copy: bool = True) -> GroundlingVectorEnv:
    one = episode(".....", ".....", ">....", ".....", max_steps=20, instruction="open the red door")
    two = replace(one, instruction="go to the red door")
    answers = STOPPING if stops else ANSWERS
    asked = (ANSWER, STRICT if stops else 0, right, 0)
    program = ((STOP, 0, 0, 0), asked, NOTES) if stops else (asked, NOTES)
    bank = EpisodeBank.pack("answers", [replace(each, program=program) for each in (one, two)])
    return GroundlingVectorEnv(bank, 2, shuffle=False, embodiment=embodiment(answers, body), copy=copy)


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_the_right_answer_ends_with_the_discounted_reward(body: str) -> None:
    envs = make_envs(1, body)
    envs.reset()
    assert not envs.step(np.array([FORWARD, TOGGLE]))[2].any()
    _, reward, terminated, truncated, info = envs.step(np.array([NO, NO]))
    limit = envs.worlds.state.max_steps[0]
    assert reward == pytest.approx(1 - 0.9 * 2 / limit)
    assert terminated.all()
    assert not truncated.any()
    assert info["success"].all()
    assert info["final_info"]["episode"]["l"].tolist() == [2, 2]


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_a_wrong_answer_ends_with_nothing(body: str) -> None:
    envs = make_envs(1, body)
    envs.reset()
    _, reward, terminated, truncated, info = envs.step(np.array([YES, RED]))
    assert reward.tolist() == [0, 0]
    assert terminated.all()
    assert not truncated.any()
    assert not info["success"].any()


def test_moves_do_what_they_did_and_silence_is_truncated() -> None:
    envs = make_envs(0)
    envs.reset()
    for step in range(20):
        _, reward, terminated, truncated, info = envs.step(np.full(2, [FORWARD, DONE][step % 2]))
        assert not terminated.any()
        assert not reward.any()
        assert truncated.all() == (step == 19)
    assert not info["success"].any()


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_an_observation_has_the_question_and_the_mask_of_its_answers(body: str) -> None:
    envs = make_envs(0, body)
    seen, _ = envs.reset()
    moves = [1, 1, 1, 0, 0, 1, 0]
    assert seen[MASK_KEY].tolist() == [[*moves, 1, 1, 0], [*moves, 0, 0, 1]]
    assert "instruction" not in seen
    assert envs.observation_space.contains(seen)
    spec = envs.agent_spec
    assert spec.keys_of(TOKENS) == ("question",)
    assert spec.keys_of(ACTION_MASK) == (MASK_KEY,)
    assert spec.actions == (*(a.name.lower() for a in Action), "answer yes", "answer no", "answer red")
    assert envs.single_action_space.n == 10
    with pytest.raises(ActionError, match="0 to 9"):
        envs.step(np.array([10, 0]))
    last = envs.step(np.array([YES, RED]))[4]["final_obs"]
    assert last[0][MASK_KEY].tolist() == [*moves, 1, 1, 0]
    assert last[1][MASK_KEY].tolist() == [*moves, 0, 0, 1]
    assert set(last[0]) == set(seen)


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_who_has_to_stop_first_answers_after_it(body: str) -> None:
    envs = make_envs(1, body, stops=True)
    seen, _ = envs.reset()
    moving, answering = [1, 1, 1, 0, 0, 1, 1, 0, 0, 0], [0] * 7 + [1, 1, 0]
    assert seen[MASK_KEY][0].tolist() == moving
    seen, _, terminated, _, _ = envs.step(np.array([DONE, NO]))  # the second answers before it has stopped
    assert terminated.tolist() == [False, True]
    assert seen[MASK_KEY][0].tolist() == answering
    _, reward, terminated, _, info = envs.step(np.array([NO, DONE]))
    assert terminated.tolist() == [True, False]
    assert reward[0] > 0.9
    assert info["final_obs"][0][MASK_KEY].tolist() == answering
    _, reward, terminated, _, _ = envs.step(np.array([FORWARD, FORWARD]))  # the second has stopped, and may not move
    assert terminated.tolist() == [False, True]
    assert reward[1] == 0


def test_notes_after_the_goal_change_nothing() -> None:
    envs = make_envs(0)
    envs.reset()
    assert envs.worlds.state.programs[0, -1].tolist() == list(NOTES)
    assert not subgoals_now(envs.worlds).any()


def test_the_mask_survives_saving() -> None:
    envs = make_envs(1, stops=True)
    envs.reset()
    seen = envs.step(np.array([DONE, FORWARD]))[0]
    again = make_envs(1, stops=True).load_state_dict(envs.state_dict())
    assert (again[MASK_KEY] == seen[MASK_KEY]).all()


def test_answers_need_all_moves_before_them() -> None:
    with pytest.raises(ConfigurationError, match="set num_actions to 10"):
        Embodiment(answers=ANSWERS)
    envs = make_envs(0)
    with pytest.raises(ConfigurationError, match="no answer suits 'go to the red door'"):
        Answers(NAMES, lambda sentence: np.zeros(3, dtype=bool), moves=()).masks(["go to the red door"])
    envs.close()


def test_an_agent_never_does_what_its_mask_leaves_out() -> None:
    envs = make_envs(0)
    seen, _ = envs.reset()
    agent = ActorCritic(AgentConfig(hidden_dim=16, memory="none"), envs.agent_spec)
    first = np.ones(2, dtype=bool)
    generator = torch.Generator().manual_seed(0)
    drawn = {tuple(agent.act(seen, agent.initial_state(2), first, generator=generator)[0].tolist()) for _ in range(200)}
    assert {pair[0] for pair in drawn} == {0, 1, 2, 5, YES, NO}
    assert {pair[1] for pair in drawn} == {0, 1, 2, 5, RED}
    decision = agent(agent.prepare(seen), agent.initial_state(2), torch.ones(1, 2, dtype=torch.bool))
    entropy = torch.distributions.Categorical(logits=decision.logits).entropy()
    assert entropy.isfinite().all()
