"""Tree search: it finds the way in copies of the world that are exact, and leaves the world itself alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.bots import expert_steps
from groundling.agents.core import IMPOSSIBLE
from groundling.agents.encoders.symbolic import SymbolicConfig
from groundling.agents.planning import make_planner, mcts
from groundling.agents.planning.kept import keep_below, put_back
from groundling.agents.planning.tree import NONE, Trees
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.banks.sources import embodiment_of
from groundling.envs.catalog import find_family
from groundling.envs.families.banked import bank_episodes
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.eval.evaluation import Evaluation, PlayedSet
from groundling.interfaces import CopyableEnvs

LEVEL = "BabyAI-GoToObjS4-v0"
WORLDS = {
    "grid": (LEVEL, {}),
    "map": ("BabyAI-PickupLoc-v0", {"explored_radius": 8, "previous_action": True}),
    "rover": (LEVEL, {"body": "rover", "camera": Camera(width=24, height=16)}),
    "manuals": ("groundling/RTFM-Simple-Moving-6x6-v0", {}),
    "messages": ("groundling/Messenger-S2-v0", {}),
    "drawings": ("groundling/GridLU-Relations-v0", {}),
}


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds(LEVEL, range(12))


@pytest.fixture(scope="module")
def agent() -> ActorCritic:
    torch.manual_seed(1)
    return ActorCritic(AgentConfig(hidden_dim=16, memory="gru", memory_dim=8)).eval()


def played(
    agent: ActorCritic, bank: EpisodeBank, planner: str, *, greedy: bool = True, seed: int = 0, alone: bool = False
) -> Evaluation:
    policy = agent if alone else make_planner(planner, agent)
    with PlayedSet(bank_episodes(bank, embodiment_of(bank))) as episodes:
        return episodes.by(policy, greedy=greedy, seed=seed, keep_actions=len(bank))


def test_many_simulations_find_the_shortest_way_without_any_knowledge(agent: ActorCritic, bank: EpisodeBank) -> None:
    best = expert_steps(bank)
    many = played(agent, bank, "mcts:256?prior=uniform&value=none", seed=3)
    assert many.successes == len(bank)
    assert [len(taken) for taken in many.first_actions] == best.tolist()
    few = played(agent, bank, "mcts:2?prior=uniform&value=none", seed=3)
    assert few.mean_length > 2 * best.mean()


@pytest.mark.parametrize("greedy", [True, False])
def test_no_simulation_is_the_policy_itself(agent: ActorCritic, bank: EpisodeBank, greedy: bool) -> None:
    ours, own = (played(agent, bank, "mcts:0", greedy=greedy, seed=5, alone=alone) for alone in (False, True))
    assert ours == own
    assert ours.first_actions == own.first_actions
    assert played(agent, bank, "mcts:8", greedy=greedy, seed=5).first_actions != own.first_actions


def test_the_seed_decides_what_is_drawn_and_nothing_else(agent: ActorCritic, bank: EpisodeBank) -> None:
    bank = bank.take(slice(0, 4))
    first, again, other = (played(agent, bank, "mcts:6", greedy=False, seed=seed).first_actions for seed in (1, 1, 2))
    assert first == again
    assert first != other
    greedy = [played(agent, bank, "mcts:6", seed=seed).first_actions for seed in (1, 2)]
    assert greedy[0] == greedy[1]


def test_what_does_not_fit_into_memory_is_searched_in_turns(
    agent: ActorCritic, bank: EpisodeBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    envs = make_vec(bank=bank, num_envs=len(bank))
    observation, _ = envs.reset(seed=0)
    planner = make_planner("mcts:16", agent)
    planner.bind(envs)

    def act() -> list[int]:
        first = np.ones(len(bank), dtype=np.bool_)
        return planner.act(observation, planner.initial_state(len(bank)), first, greedy=True)[0].tolist()

    at_once = act()
    parts: list[int] = []
    search = mcts.TreeSearch._search

    def noted(self: Any, rows: Any, *others: Any) -> Any:
        parts.append(len(rows))
        return search(self, rows, *others)

    monkeypatch.setattr(mcts.TreeSearch, "_search", noted)
    assert isinstance(envs, CopyableEnvs)
    size = sum(array.nbytes for array in envs.copy_rows(np.array([0])).values())
    monkeypatch.setattr(mcts, "MOST_BYTES", 5 * 33 * size)  # a root, 16 nodes that are kept, and 16 new ones
    assert act() == at_once
    assert parts == [4, 4, 4]


def made(name: str, num_envs: int = 5) -> VectorEnv:
    task, options = WORLDS[name]
    family = find_family(task)
    return family.open(family.split("all"), num_envs, 3, WorldOptions(bank_size=16, **options))


@pytest.mark.parametrize("name", WORLDS)
def test_copies_go_on_as_the_worlds_themselves(name: str) -> None:
    envs, rng = made(name), np.random.default_rng(0)
    assert isinstance(envs.unwrapped, CopyableEnvs)
    twin, rows = envs.unwrapped.twin(), np.array([0, 2, 4])
    envs.reset(seed=1)
    num_actions = spec_of(envs).num_actions
    for _ in range(5):
        envs.step(rng.integers(num_actions, size=5))
    compared = 0
    for _ in range(10):
        twin.paste_rows(rows, envs.unwrapped.copy_rows(rows))
        actions = rng.integers(num_actions, size=5)
        ours = twin.step(actions)
        theirs = envs.step(actions)
        going_on = rows[~(theirs[2] | theirs[3])[rows]]
        for key, array in theirs[0].items():
            np.testing.assert_array_equal(ours[0][key][going_on], array[going_on], err_msg=key)
        for part in (1, 2, 3):
            np.testing.assert_array_equal(ours[part][rows], theirs[part][rows])
        compared += len(going_on)
    assert compared > 10


@pytest.mark.parametrize("name", ["map", "manuals"])
def test_search_leaves_the_worlds_as_they_are_and_keeps_to_their_masks(name: str) -> None:
    envs = made(name)
    torch.manual_seed(0)
    config = AgentConfig(hidden_dim=16, settings=(SymbolicConfig(map_radius=8),) if name == "map" else ())
    planner = make_planner("mcts:12?prior=uniform", ActorCritic(config, spec_of(envs)))
    planner.bind(envs)
    observation, _ = envs.reset(seed=2)
    own: Any = envs.unwrapped
    before = own.state_dict()
    state = planner.initial_state(5)
    actions, after = planner.act(observation, state, np.ones(5, dtype=np.bool_), greedy=True)
    for key, array in own.state_dict().items():
        np.testing.assert_array_equal(array, before[key], err_msg=key)
    assert after.shape == state.shape
    if "valid" in observation:
        assert not observation["valid"].all()
        assert observation["valid"][np.arange(5), actions].all()


def test_memory_of_a_node_is_that_of_the_way_there(
    agent: ActorCritic, bank: EpisodeBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[Trees] = []

    def trees(*sizes: int) -> Trees:
        grown.append(Trees(*sizes))
        return grown[-1]

    monkeypatch.setattr(mcts, "Trees", trees)
    envs = make_vec(bank=bank, num_envs=4, shuffle=False)
    planner = make_planner("mcts:1?choice=visits", agent)
    planner.bind(envs)
    observation, _ = envs.reset()
    state, is_first = planner.initial_state(4), np.ones(4, dtype=np.bool_)
    for _ in range(3):
        logits, memory = agent.logits(observation, state[:, :-1], is_first)
        tried, state = planner.act(observation, state, is_first, greedy=True)
        np.testing.assert_array_equal(tried, logits.argmax(dim=1).numpy())
        observation, _, terminated, truncated, _ = envs.step(tried)
        is_first = terminated | truncated
        decision = agent(agent.prepare(observation), memory, torch.zeros(1, 4, dtype=torch.bool))
        real = decision.value[0].detach().numpy()
        np.testing.assert_allclose(grown[-1].value[~is_first, 1], real[~is_first], rtol=1e-5)
        assert (grown[-1].value[is_first, 1] == 0).all()


@pytest.mark.parametrize("value", ["agent", "none"])
def test_value_of_the_root_is_the_agent_s_as_that_of_every_other_node(
    agent: ActorCritic, bank: EpisodeBank, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a root of 0, actions that were not tried there would look worse than the one that was."""
    grown: list[Trees] = []

    def trees(*sizes: int) -> Trees:
        grown.append(Trees(*sizes))
        return grown[-1]

    monkeypatch.setattr(mcts, "Trees", trees)
    envs = make_vec(bank=bank, num_envs=4, shuffle=False)
    planner = make_planner(f"mcts:3?value={value}&tree=new", agent)
    planner.bind(envs)
    observation, _ = envs.reset()
    planner.act(observation, planner.initial_state(4), np.ones(4, dtype=np.bool_), greedy=True)
    first = torch.ones(1, 4, dtype=torch.bool)
    told = agent(agent.prepare(observation), agent.initial_state(4), first).value[0].detach().numpy()
    np.testing.assert_allclose(grown[-1].value[:, 0], told if value == "agent" else np.zeros(4), rtol=1e-5)
    assert np.abs(told).min() > 1e-4


def test_end_of_an_episode_is_worth_nothing_whatever_the_agent_thinks_of_it(
    agent: ActorCritic, bank: EpisodeBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[Trees] = []

    def trees(*sizes: int) -> Trees:
        grown.append(Trees(*sizes))
        return grown[-1]

    monkeypatch.setattr(mcts, "Trees", trees)
    planner = make_planner("mcts:64?prior=uniform", agent)
    envs = make_vec(bank=bank, num_envs=len(bank), shuffle=False)
    planner.bind(envs)
    observation, _ = envs.reset()
    planner.act(observation, planner.initial_state(len(bank)), np.ones(len(bank), dtype=np.bool_), greedy=True)
    assert grown[0].ended.any()
    assert not grown[0].value[grown[0].ended].any()
    assert grown[0].value[:, 1].any()


def test_action_that_the_policy_has_given_up_is_tried_in_the_end_and_a_forbidden_one_never(agent: ActorCritic) -> None:
    planner: Any = make_planner("mcts:4", agent)
    prior = planner._prior(torch.tensor([[0.0, -200.0, IMPOSSIBLE]]))
    np.testing.assert_allclose(prior, [[1.0, 1e-6, 0.0]])


def test_choice_is_that_of_the_formula() -> None:
    trees = Trees(1, 4, 3)
    trees.prior[0, 0] = (0.5, 0.3, 0.2)
    trees.value[0, 0] = 0.4
    where = np.array([0]), np.array([0])
    # nothing was tried: every mean is .4, and the prior decides
    assert trees.choose(*where, 1.0) == [0]
    trees.visits[0, 0], trees.total[0, 0] = (2, 1, 0), (0.2, 0.6, 0.0)
    # N = 4, mean of the node (.4 + .8) / 4 = .3; scores .1 + .5 * 2 / 3 = .433, .6 + .3 * 2 / 2 = .9, .3 + .2 * 2 = .7
    assert trees.choose(*where, 1.0) == [1]
    # with c = 4: .1 + 1.333, .6 + 1.2, .3 + 1.6
    assert trees.choose(*where, 4.0) == [2]
    trees.prior[0, 0, 2] = 0.0  # forbidden
    assert trees.choose(*where, 100.0) == [0]


def test_improved_choice_is_that_of_the_formula(agent: ActorCritic) -> None:
    trees = Trees(1, 4, 3)
    trees.prior[0, 0] = (0.5, 0.3, 0.2)
    trees.value[0, 0] = 0.4
    trees.visits[0, 0], trees.total[0, 0] = (2, 1, 0), (0.2, 0.6, 0.0)
    improved, visits = (
        make_planner(f"mcts:4?choice={choice}", agent)._scores(trees)  # type: ignore[attr-defined]
        for choice in ("improved", "visits")
    )
    # Q = .1, .6 and, of what was never tried, the mean at the root (.4 + .8) / 4 = .3; the scale is (50 + 2) / 10
    np.testing.assert_allclose(improved, [[np.log(0.5) + 0.52, np.log(0.3) + 3.12, np.log(0.2) + 1.56]])
    np.testing.assert_allclose(visits, [[np.log(2), 0.0, -np.inf]])


def test_returns_are_discounted_on_the_way_back() -> None:
    trees = Trees(1, 2, 2)
    trees.child[0, 0, 1], trees.child[0, 1, 0] = 1, 2
    trees.reward[0, 1:] = 0.25, 0.5
    zero = np.array([0])
    steps = [(zero, zero, np.array([1])), (zero, np.array([1]), zero)]
    trees.back_up(steps, np.array([0.8]), 0.5)
    assert trees.total[0, 1, 0] == pytest.approx(0.5 + 0.5 * 0.8)
    assert trees.total[0, 0, 1] == pytest.approx(0.25 + 0.5 * 0.9)
    assert trees.visits.sum() == 2
    assert trees.child[0, 0, 0] == NONE


def test_what_is_below_an_action_is_kept_in_its_order() -> None:
    trees = Trees(1, 5, 2)
    links = ((0, 0, 1), (0, 1, 2), (1, 1, 3), (2, 0, 4), (3, 0, 5))  # node, action, child
    for node, action, child in links:
        trees.child[0, node, action] = child
        trees.visits[0, node, action], trees.total[0, node, action] = 10 * child, child / 10
    trees.value[0] = np.arange(6)
    worlds, memory = {"place": np.arange(60, 66)[:, None]}, torch.arange(6.0)[:, None, None]
    kept = keep_below(trees, 0, 0, 9, worlds, memory)
    assert kept is not None
    assert kept.value.tolist() == [1, 3, 5]
    assert kept.child.tolist() == [[NONE, 1], [2, NONE], [NONE, NONE]]
    assert kept.visits.tolist() == [[0, 30], [50, 0], [0, 0]]
    assert kept.worlds["place"].tolist() == [61, 63, 65]
    assert kept.memory.flatten().tolist() == [1, 3, 5]
    few = keep_below(trees, 0, 0, 2, worlds, memory)
    assert few is not None
    assert few.child.tolist() == [[NONE, 1], [NONE, NONE]]
    assert few.visits.tolist() == [[0, 30], [50, 0]], "what was found there is still known"
    other = Trees(2, 5, 2)
    put_back(other, 1, kept)
    assert other.total[1, :3].tolist() == kept.total.tolist()
    assert not other.visits[0].any()
    assert keep_below(trees, 0, 0, 0, worlds, memory) is None
    assert keep_below(other, 0, 0, 9, {}, memory) is None, "nothing is there"
    trees.ended[0, 2] = True
    assert keep_below(trees, 0, 1, 9, worlds, memory) is None, "the episode has ended there"


def test_the_tree_below_the_action_that_was_taken_is_searched_on(
    agent: ActorCritic, bank: EpisodeBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[Trees] = []

    def trees(*sizes: int) -> Trees:
        grown.append(Trees(*sizes))
        return grown[-1]

    monkeypatch.setattr(mcts, "Trees", trees)
    envs, every = make_vec(bank=bank, num_envs=4, shuffle=False), np.arange(4)
    planner = make_planner("mcts:12", agent)
    planner.bind(envs)
    observation, _ = envs.reset()
    state, is_first = planner.initial_state(4), np.ones(4, dtype=np.bool_)
    went_on, taken = 0, every
    for step in range(6):
        actions, state = planner.act(observation, state, is_first, greedy=True)
        below = np.zeros(4, dtype=np.int64)
        if step:
            last = grown[-2]
            first = last.child[every, 0, taken]
            below = np.where(is_first | (first == NONE), 0, last.visits[every, first].sum(axis=1))
        assert grown[-1].visits[:, 0].sum(axis=1).tolist() == (12 + below).tolist()
        went_on += int((below > 0).sum())
        taken = actions.copy()
        if step == 3:  # somebody else acts
            taken[:] = (actions + 1) % 3
            grown[-1].child[every, 0, taken] = NONE
        observation, _, terminated, truncated, _ = envs.step(taken)
        is_first = terminated | truncated
    assert went_on > 8
    new = make_planner("mcts:12?tree=new", agent)
    new.bind(envs)
    for _ in range(2):
        grown.clear()
        new.act(observation, new.initial_state(4), np.zeros(4, dtype=np.bool_), greedy=True)
        assert grown[0].visits[:, 0].sum(axis=1).tolist() == [12] * 4


def test_worlds_that_cannot_be_copied_are_refused(agent: ActorCritic, bank: EpisodeBank) -> None:
    import gymnasium

    envs = SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")], autoreset_mode=AutoresetMode.SAME_STEP)
    planner = make_planner("mcts:4", agent)
    with pytest.raises(ConfigurationError, match=r"SyncVectorEnv cannot be copied .* without --planner"):
        planner.bind(envs)
    envs.close()
    observation, _ = make_vec(bank=bank, num_envs=2).reset()
    with pytest.raises(ConfigurationError, match="call bind"):
        planner.act(observation, planner.initial_state(2), np.ones(2, dtype=np.bool_))


OWN = """
from dataclasses import dataclass
import numpy as np
from groundling.agents.planning.base import Planner

@dataclass(frozen=True)
class Settings:
    ahead: int = 1
    name: str = "none"

class Always(Planner):
    Config, budget = Settings, "ahead"

    def plan(self, observation, state, is_first, envs, greedy, generator):
        return np.full(len(state), self.config.ahead), state
"""


def test_planner_of_ones_own_stands_in_a_file(agent: ActorCritic, bank: EpisodeBank, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    place = f"{tmp_path / 'mine.py'}:Always"
    assert set(sum(played(agent, bank, f"{place}:5?name=some").first_actions, ())) == {5}
    with pytest.raises(ConfigurationError, match="has no setting 'nam'; did you mean name"):
        make_planner(f"{place}:5?nam=some", agent)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mcts", "as in mcts:64"),
        ("mcts:many", "as in mcts:64"),
        ("mtcs:4", "did you mean 'mcts'"),
        ("mcts:4?prior=best", "prior is policy or uniform, not 'best'"),
        ("mcts:4?value=rollout", "value is agent or none"),
        ("mcts:4?tree=old", "tree is new or kept, not 'old'"),
        ("mcts:4?choice=best", "choice is improved or visits"),
        ("mcts:4?exploraton=2", "did you mean exploration"),
        ("mcts:4?exploration=much", "exploration of the planner mcts is a float, not 'much'"),
        ("mcts:4?exploration=0", "exploration must be greater than 0"),
        ("mcts:4?simulations=9", "has no setting 'simulations'"),
        ("mcts:1000000000", "from 0 to 100,000, not 1,000,000,000"),
        ("mcts:4?gamma=2", "gamma must be between 0 and 1"),
    ],
)
def test_what_is_no_planner_is_refused(agent: ActorCritic, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told.replace("?", r"\?")):
        make_planner(text, agent)
