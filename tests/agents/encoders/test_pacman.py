"""PACMAN: how planner, controller and answers make one policy, and what of an episode the agent remembers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.dropout import SavedDropout
from groundling.agents.encoders.pacman import PacmanConfig, QuestionLSTM
from groundling.agents.frame_answers import FrameAnswers
from groundling.agents.initialization import differences
from groundling.agents.planner_controller import PlannerController
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, CATEGORY, DEPTH, RGB, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

T, B, WORDS = 14, 5, 11
ACTIONS = ("left", "answer yes", "right", "forward", "answer no", "answer red")
MOVES, ANSWERS, A = [0, 2, 3], [1, 4, 5], 6
SMALL = AgentConfig(vision="pacman", planner_dim=7, controller_dim=6)


def spec_of(*, height: int = 17, width: int = 20, actions: tuple[str, ...] = ACTIONS, **others: Field) -> Spec:
    fields = {
        "image": Field((height, width, 3), "uint8", RGB),
        "may": Field((len(actions),), "int8", ACTION_MASK),
        "previous_action": Field((), "int64", CATEGORY, len(actions) + 1),
        "question": Field((6,), "int32", TOKENS, WORDS),
    }
    return Spec({**fields, **others}, actions, Vocabulary.unnamed(WORDS))


def make_agent(config: AgentConfig = SMALL, spec: Spec | None = None) -> ActorCritic:
    """An agent whose parts say different things: larger weights than those of a first draw."""
    torch.manual_seed(0)
    agent = ActorCritic(config, spec or spec_of()).eval()
    assert isinstance(agent.core, PlannerController)
    with torch.no_grad():
        for layer in (agent.core.plan, agent.core.controller[2], agent.core.frames.answer[-1], agent.core.value):
            layer.weight.normal_(std=2.0)
    return agent


def core_of(agent: ActorCritic) -> PlannerController:
    assert isinstance(agent.core, PlannerController)
    return agent.core


def observations(seed: int = 0, *, all_allowed: bool = False) -> tuple[dict[str, Tensor], Tensor]:
    """T * B observations, time first, in which actions often repeat, and where episodes begin."""
    draw = torch.Generator().manual_seed(seed)
    is_first = torch.rand(T, B, generator=draw) < 0.15
    is_first[0] = True
    action = torch.randint(A, (T, B), generator=draw)
    for step in range(1, T):
        action[step] = torch.where(torch.rand(B, generator=draw) < 0.7, action[step - 1], action[step])
    mask = torch.rand(T, B, A, generator=draw) < 0.7
    mask[..., 0] |= ~mask.any(dim=-1)
    if all_allowed:
        mask[:] = True
    observation = {
        "image": torch.randint(256, (T, B, 17, 20, 3), generator=draw, dtype=torch.uint8),
        "may": mask.to(torch.int8),
        "previous_action": action.masked_fill(is_first, A),
        "question": torch.randint(1, WORDS, (1, B, 6), generator=draw).expand(T, B, 6),
    }
    return observation, is_first


def decide(agent: ActorCritic, observation: dict[str, Tensor], is_first: Tensor, state: Tensor | None = None) -> Any:
    flat = {key: array.flatten(0, 1) for key, array in observation.items()}
    before = agent.initial_state(is_first.shape[1]) if state is None else state
    with torch.no_grad():
        return agent(agent.prepare(flat), before, is_first)


def compose(core: PlannerController, previous: int, run: int, mask: list[int] | None = None) -> tuple[Tensor, ...]:
    """Probabilities [A] of actions, and those of the parts: planner [4], controller [2], answers [3]."""
    draw = torch.Generator().manual_seed(previous)
    plans, controls, answers = (torch.randn(n, generator=draw) for n in (4, 2, 3))
    allowed = torch.ones(A, dtype=torch.bool) if mask is None else torch.tensor([k in mask for k in range(A)])
    logits = core.compose(plans, controls, answers, torch.tensor(previous), torch.tensor(float(run)), allowed)
    return logits.exp(), plans.softmax(-1), controls.softmax(-1), answers.softmax(-1)


def test_probabilities_sum_to_one_and_obey_the_mask() -> None:
    observation, is_first = observations()
    decision = decide(make_agent(), observation, is_first)
    probabilities = decision.logits.exp()
    assert decision.logits.shape == (T, B, A)
    assert decision.value.shape == (T, B)
    torch.testing.assert_close(probabilities.sum(dim=-1), torch.ones(T, B))
    allowed = observation["may"] != 0
    assert (probabilities[~allowed] == 0).all()
    assert (probabilities[allowed] > 0).all()


@pytest.mark.parametrize("run", [1, 4])
def test_the_last_move_is_the_controllers_and_others_are_the_planners(run: int) -> None:
    p, planner, (repeat, back), answers = compose(core_of(make_agent()), previous=2, run=run)
    others = planner[[0, 2, 3]].sum()  # left, forward and stop
    assert p[2] == pytest.approx(float(repeat))
    assert p[0] == pytest.approx(float(back * planner[0] / others))
    assert p[3] == pytest.approx(float(back * planner[2] / others))
    torch.testing.assert_close(p[ANSWERS], back * planner[3] / others * answers)


def test_after_five_in_a_row_the_planner_chooses_among_all() -> None:
    p, planner, _, answers = compose(core_of(make_agent()), previous=2, run=5)
    torch.testing.assert_close(p[MOVES], planner[:3])
    torch.testing.assert_close(p[ANSWERS], planner[3] * answers)


@pytest.mark.parametrize(("previous", "run"), [(A, 0), (1, 1)])
def test_an_episode_begins_with_the_planner_and_no_answer_is_repeated(previous: int, run: int) -> None:
    p, planner, _, answers = compose(core_of(make_agent()), previous=previous, run=run)
    torch.testing.assert_close(p[MOVES], planner[:3])
    torch.testing.assert_close(p[ANSWERS], planner[3] * answers)


def test_how_many_answers_suit_changes_nothing_about_when_to_stop() -> None:
    core = core_of(make_agent())
    many, one = (compose(core, 2, 1, mask=[*MOVES, *some])[0] for some in (ANSWERS, [4]))
    torch.testing.assert_close(many[ANSWERS].sum(), one[4])
    torch.testing.assert_close(many[MOVES], one[MOVES])
    only = compose(core, 2, 1, mask=ANSWERS)
    torch.testing.assert_close(only[0][ANSWERS], only[3])  # after stopping


def test_a_move_that_is_not_allowed_is_not_repeated_and_the_only_one_that_is_allowed_is() -> None:
    core = core_of(make_agent())
    p, planner, _, _ = compose(core, 2, 1, mask=[0, 3])
    torch.testing.assert_close(p[[0, 3]], planner[[0, 2]] / planner[[0, 2]].sum())
    assert compose(core, 2, 1, mask=[2])[0][2] == 1


def test_runs_of_equal_moves_are_cut_after_five_and_the_planner_steps_where_they_begin() -> None:
    agent = make_agent()
    core, size = core_of(agent), 7
    taken = [A, 2, 2, 2, 2, 2, 2, 2, 3, 3, 1, 1]  # before each observation; the last two are answers
    previous = torch.tensor(taken).unsqueeze(1)
    first = torch.zeros(len(taken), 1, dtype=torch.bool)
    first[0] = True
    inputs = torch.randn(len(taken), 1, core.planner.input_size)
    state = torch.randn(1, 2 * size + 2)  # of another episode
    runs = core._run(inputs, previous, state, first)
    assert runs.run[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 1, 2, 1, 1]
    held = torch.zeros(1, size)
    planner_steps = [0, 5, 7, 9, 10]  # the observations at which an action was chosen that begins a run
    for step in range(len(taken)):
        torch.testing.assert_close(runs.held[step], held)
        torch.testing.assert_close(runs.proposed[step], core.planner(inputs[step], held))
        if step in planner_steps:
            held = core.planner(inputs[step], held)


def test_the_controller_repeats_by_the_image_the_action_and_the_planner_as_it_was() -> None:
    agent = make_agent()
    core = core_of(agent)
    observation, is_first = observations(all_allowed=True)
    logits = decide(agent, observation, is_first).logits
    with torch.no_grad():
        prepared = agent.prepare({key: array.flatten(0, 1) for key, array in observation.items()})
        image, _, question, _ = agent.features(prepared).unflatten(0, (T, B)).split([128, 64, 64, 64], dim=-1)
        previous = observation["previous_action"]
        action = core.action(previous)
        inputs = torch.cat([image, question, action], dim=-1)
        runs = core._run(inputs, previous, torch.zeros(B, 2 * 7 + 2), is_first)
        repeat = core.controller(torch.cat([image, action, runs.held], dim=-1)).log_softmax(dim=-1)[..., 0]
    is_open = (runs.run > 0) & (runs.run < 5) & torch.isin(previous, torch.tensor(MOVES))
    told = logits.gather(-1, previous.clamp(max=A - 1).unsqueeze(-1)).squeeze(-1)
    assert is_open.sum() > 10
    torch.testing.assert_close(told[is_open], repeat[is_open], rtol=1e-4, atol=1e-4)


def test_one_step_at_a_time_is_as_all_at_once() -> None:
    agent = make_agent()
    observation, is_first = observations()
    whole = decide(agent, observation, is_first)
    state = agent.initial_state(B)
    for step in range(T):
        one = decide(
            agent, {key: array[step : step + 1] for key, array in observation.items()}, is_first[[step]], state
        )
        torch.testing.assert_close(one.logits[0], whole.logits[step], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(one.value[0], whole.value[step], rtol=1e-4, atol=1e-4)
        state = one.state
    torch.testing.assert_close(state, whole.state, rtol=1e-4, atol=1e-4)


def test_rows_of_the_state_are_those_of_environments() -> None:
    agent = make_agent()
    observation, is_first = observations()
    begun = decide(agent, {key: array[:9] for key, array in observation.items()}, is_first[:9])
    assert begun.state.shape == (B, agent.state_dim) == (B, 2 * 7 + 2 + 4 * 64 + 1)
    rest = {key: array[9:] for key, array in observation.items()}
    rows = torch.tensor([3, 0])
    whole = decide(agent, rest, is_first[9:], begun.state)
    some = decide(agent, {key: array[:, rows] for key, array in rest.items()}, is_first[9:, rows], begun.state[rows])
    torch.testing.assert_close(some.logits, whole.logits[:, rows], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(some.state, whole.state[rows], rtol=1e-4, atol=1e-4)


def test_nothing_of_an_episode_is_left_in_the_next_one() -> None:
    agent = make_agent()
    observation, is_first = observations()
    is_first[6] = True
    observation["previous_action"][6] = A
    fresh = decide(agent, {key: array[6:] for key, array in observation.items()}, is_first[6:])
    torch.testing.assert_close(decide(agent, observation, is_first).logits[6:], fresh.logits, rtol=1e-4, atol=1e-4)
    other = {**observation, "previous_action": observation["previous_action"].clone()}
    other["previous_action"][6] = 3  # where an episode begins there was none
    assert torch.equal(decide(agent, other, is_first).logits[6], decide(agent, observation, is_first).logits[6])


@pytest.mark.parametrize(("age", "counts"), [(4, True), (5, False)])
def test_answers_look_back_at_five_frames_and_the_question(age: int, counts: bool) -> None:
    torch.manual_seed(0)
    answers = FrameAnswers(8, 3, 5, 0.0)
    frames, questions = torch.randn(9, 2, 8), torch.randn(9, 2, 8)
    first = torch.zeros(9, 2, dtype=torch.bool)
    first[0] = True
    state = torch.zeros(2, answers.state_dim)
    before = answers(frames, questions, state, first)[0][8]
    changed = frames.clone()
    changed[8 - age] += 1
    assert torch.equal(answers(changed, questions, state, first)[0][8], before) != counts
    assert not torch.equal(answers(frames, questions + 1, state, first)[0][8], before)


def test_attention_is_over_the_frames_that_an_episode_has_had() -> None:
    torch.manual_seed(0)
    answers = FrameAnswers(4, 3, 5, 0.0)
    frames, question = torch.randn(3, 1, 4), torch.randn(1, 1, 4).expand(3, 1, 4)
    first = torch.tensor([[True], [False], [False]])
    _, joint, state = answers(frames, question, torch.randn(1, answers.state_dim), first)
    torch.testing.assert_close(joint[0], question[0] * frames[0])  # one frame has all of it
    score = answers.score(torch.cat([answers.question(question), answers.frame(frames)], dim=-1))
    mean = (score.softmax(dim=0) * frames).sum(dim=0)
    torch.testing.assert_close(joint[2], question[2] * mean)
    torch.testing.assert_close(state[0, 4:16], frames.flatten())
    assert state[0, 16] == 3


def test_sizes_are_those_of_the_paper() -> None:
    agent = ActorCritic(AgentConfig(vision="pacman"), spec_of(height=64, width=64))
    shapes = {name: tuple(array.shape) for name, array in agent.named_parameters()}
    assert [shapes[f"encoder.cnn.{k}.0.weight"] for k in range(4)] == [
        (8, 3, 5, 5),
        (16, 8, 5, 5),
        (32, 16, 5, 5),
        (32, 32, 5, 5),
    ]
    assert shapes["core.planner.weight_ih"] == (3 * 1024, 128 + 64 + 32)
    assert shapes["core.planner.weight_hh"] == (3 * 1024, 1024)
    assert shapes["core.controller.0.weight"] == (256, 128 + 32 + 1024)
    assert shapes["core.controller.2.weight"] == (2, 256)
    assert shapes["core.frames.score.2.weight"] == (1, 128)
    assert shapes["encoder.frame.0.weight"] == (64, 32 * 4 * 4)
    for reader in ("planned", "asked"):
        assert shapes[f"encoder.{reader}.words.weight"] == (WORDS, 64)
        assert shapes[f"encoder.{reader}.second.weight_hh_l0"] == (4 * 64, 64)


def test_padding_of_a_question_changes_nothing_and_the_order_of_its_words_does() -> None:
    torch.manual_seed(0)
    reader = QuestionLSTM(WORDS, 8, 0.0)
    short, padded, turned = (
        reader(torch.tensor(tokens)) for tokens in ([[3, 4, 5]], [[3, 4, 5, 0, 0], [1, 1, 1, 1, 2]], [[5, 4, 3]])
    )
    torch.testing.assert_close(short[0], padded[0])
    assert not torch.allclose(short, turned)
    assert torch.isfinite(reader(torch.zeros(1, 4, dtype=torch.int64))).all()


def test_blind_agents_see_nothing() -> None:
    observation, is_first = observations()
    other = {**observation, "image": 255 - observation["image"]}
    for is_blind in (True, False):
        agent = make_agent(AgentConfig(vision="pacman", blind=is_blind, settings=SMALL.settings))
        same = torch.equal(decide(agent, observation, is_first).logits, decide(agent, other, is_first).logits)
        assert same == is_blind


def test_every_part_learns_from_the_likelihood_of_actions() -> None:
    agent = make_agent().train()
    observation, is_first = observations(all_allowed=True)
    flat = {key: array.flatten(0, 1) for key, array in observation.items()}
    decision = agent(agent.prepare(flat), agent.initial_state(B), is_first)
    (decision.logits.mean() + decision.value.mean()).backward()
    silent = [name for name, parameter in agent.named_parameters() if parameter.grad is None]
    assert silent == []


def test_dropout_is_of_learning_only_and_its_draws_go_on_where_they_were_saved() -> None:
    torch.manual_seed(0)
    dropout = SavedDropout(0.25)
    ones = torch.ones(4000)
    with torch.no_grad():
        assert torch.equal(dropout(ones), ones)
    first = dropout(ones)
    assert first.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float((first == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    saved = {name: array.clone() for name, array in dropout.state_dict().items()}
    second, third = dropout(ones), dropout(ones)
    assert not torch.equal(first, second)
    other = SavedDropout(0.25)
    other.load_state_dict(saved)
    assert torch.equal(other(ones), second)
    assert torch.equal(other(ones), third)
    assert torch.equal(dropout.eval()(ones), ones)


def test_an_agent_without_dropout_can_begin_as_one_with_it() -> None:
    assert differences(SMALL, AgentConfig(vision="pacman", planner_dim=7, controller_dim=6, dropout=0.0)) == []
    assert differences(SMALL, AgentConfig(vision="pacman", planner_dim=8, controller_dim=6)) == ["planner_dim 7"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": "gru", "fusion": "film"}, "own memory, reader and heads: leave out fusion, memory"),
        ({"planner_dim": 0}, "planner_dim must be at least 1"),
        ({"longest_run": 0}, "longest_run must be at least 1"),
        ({"dropout": 1.0}, "less than 1"),
    ],
)
def test_settings_that_it_has_no_use_for_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        AgentConfig(vision="pacman", **settings)


def test_it_is_no_encoder_beside_another_one() -> None:
    with pytest.raises(ConfigurationError, match="make it the vision"):
        AgentConfig(vision="cnn", encoders=("pacman",))


def test_environments_that_do_not_suit_are_refused() -> None:
    fields = dict(spec_of().observation)
    del fields["previous_action"]
    with pytest.raises(ConfigurationError, match="previous_action=True"):
        ActorCritic(SMALL, Spec(fields, ACTIONS, Vocabulary.unnamed(WORDS)))
    with pytest.raises(ConfigurationError, match=r"actions called 'answer \.\.\.'; these are left, right"):
        ActorCritic(SMALL, spec_of(actions=("left", "right")))
    with pytest.raises(ConfigurationError, match="leave depth out"):
        ActorCritic(SMALL, spec_of(depth=Field((17, 20), "float32", DEPTH)))
    with pytest.raises(ConfigurationError, match="at least 16 x 16"):
        ActorCritic(SMALL, spec_of(height=15))


def test_settings_come_back_from_plain_values() -> None:
    config = AgentConfig(vision="pacman", frames=3, dropout=0.1)
    assert AgentConfig.from_dict(config.to_dict()) == config
    assert config.vision_settings == PacmanConfig(frames=3, dropout=0.1)
    assert config.senses == {"previous_action": True}
