"""Rock-paper-scissors: the rules against the plain ones, what is kept from training, who wins, and Gymnasium."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from reference import Dice
from rock_paper_scissors_reference import Room

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.rock_paper_scissors.batch import RockPaperScissorsBatch
from groundling.envs.families.manuals.rock_paper_scissors.graphs import GRAPHS, NUM_TRAINED, edges, places
from groundling.envs.families.manuals.rock_paper_scissors.names import LETTERS, VARIANTS, WORDS, Variant
from groundling.envs.families.manuals.rock_paper_scissors.state import AGENT, BEATEN, MONSTER, RIGHT, SAME, Wording
from groundling.envs.families.manuals.rock_paper_scissors.vector import RockPaperScissorsVectorEnv
from groundling.envs.families.manuals.rock_paper_scissors.walker import CHOICES, Walker
from groundling.errors import ConfigurationError, SplitError, UnknownEnvironmentError
from groundling.interfaces import DocumentJudge

STILL, MOVING = "groundling/RockPaperScissors-6x6-v0", "groundling/RockPaperScissors-Moving-10x10-v0"
USUAL = Wording(shuffled=False)
GOLDEN, GOLDEN_SUM = ((0, 11, 16), (0, 9, 8), (23, 25, 24)), 1299984354


def envs_of(id: str = STILL, split: str = "train", num_envs: int = 32, **options: Any) -> RockPaperScissorsVectorEnv:
    envs = find_family(id).make_vec(split, num_envs, 0, **options)
    assert isinstance(envs, RockPaperScissorsVectorEnv)
    return envs


def graphs_of(part: str) -> set[tuple[int, int, int]]:
    first, count = places(part)
    return set(GRAPHS[first : first + count])


def edges_of(part: str) -> set[tuple[int, int]]:
    return {edge for graph in graphs_of(part) for edge in edges(graph)}


@pytest.mark.parametrize(
    ("variant", "part", "wording", "envs", "steps"),
    [
        (Variant(False, 6), "train", USUAL, 120, 60),
        (Variant(True, 6), "edges", Wording(shuffled=True), 150, 40),
        (Variant(True, 10), "letters", Wording(shuffled=True, absent=3), 80, 60),
    ],
    ids=str,
)
def test_random_episodes_are_those_of_the_plain_rules(
    variant: Variant, part: str, wording: Wording, envs: int, steps: int
) -> None:
    batch = RockPaperScissorsBatch(variant, envs, part=part, wording=wording, seed=3, max_steps=25)
    first, count = places(part)
    graphs = ["".join(LETTERS[letter] for letter in graph) for graph in GRAPHS[first : first + count]]
    rooms = [Room(variant, Dice(int(state)), graphs, wording, 25) for state in batch.worlds.random]
    batch.reset()
    ended = won_any = 0
    for row in np.random.default_rng(0).integers(5, size=(steps, envs)):
        for b, room in enumerate(rooms):
            assert batch.manual(b) == tuple(room.manual)
            assert seen_names(batch.seen.image[b], variant.size) == room.names()
            assert WORDS.decode([batch.seen.carried[b]]) == room.carried
            open_moves = [room.is_inside(*room.after(room.at, move)) for move in range(5)]
            assert batch.seen.valid[b].tolist() == open_moves
            beats = np.array(room.manual)[batch.needed()[b][: len(room.manual)]]
            assert beats.tolist() == [f"{room.winner} beats {room.monster}"]
        batch.step(row)
        for b, room in enumerate(rooms):
            reward, terminated, truncated, won = room.step(int(row[b]))
            out = batch.outcomes
            assert (out.reward[b], out.terminated[b], out.truncated[b], out.success[b]) == (
                *(reward, terminated, truncated),
                won,
            )
            if terminated or truncated:
                ended, won_any = ended + 1, won_any + won
                assert seen_names(batch.last.image[b], variant.size) == room.names()
                room.begin()
    assert ended > envs
    assert won_any


def seen_names(image: Any, size: int) -> list[list[str]]:
    return [[WORDS.decode([cell[1], cell[0]]) for cell in row[:size]] for row in image[:size]]


# What is kept from training


def test_parts_are_disjoint_and_all_graphs_of_their_letters() -> None:
    assert len(set(GRAPHS)) == len(GRAPHS)
    smallest_first = {min((graph[k:] + graph[:k]) for k in range(3)) for graph in GRAPHS}
    assert len(smallest_first) == len(GRAPHS)  # no graph under two names
    counts = {part: len(graphs_of(part)) for part in ("train", "validation", "unseen", "edges", "letters")}
    assert counts == {"train": 831, "validation": 415, "unseen": 416, "edges": 618, "letters": 40}
    assert sum(counts.values()) - counts["letters"] == 2 * 20 * 19 * 18 // 6
    assert places("all") == (0, 831 + 415 + 416)


def test_each_test_has_just_what_it_is_named_after() -> None:
    trained = edges_of("train")
    assert edges_of("unseen") <= trained
    assert edges_of("validation") <= trained
    assert all(any(edge not in trained for edge in edges(graph)) for graph in graphs_of("edges"))
    assert {letter for graph in graphs_of("edges") for letter in graph} == set(range(NUM_TRAINED))
    assert {letter for edge in edges_of("letters") for letter in edge} == set(range(NUM_TRAINED, 26))


def test_the_split_is_always_the_same() -> None:
    assert GRAPHS[:2] + GRAPHS[-1:] == GOLDEN
    assert zlib.crc32(str(GRAPHS).encode()) == GOLDEN_SUM


@pytest.mark.parametrize("suite", ["assignments", "validation", "edges", "letters", "size", "order", "distractors"])
def test_no_test_suite_plays_a_graph_of_training(suite: str) -> None:
    family = find_family(MOVING)
    envs = envs_of(MOVING, family.suites[suite].split, 500)
    envs.reset(seed=1)
    assert not {GRAPHS[number] for number in envs.batch.worlds.graph} & graphs_of("train")
    layout = envs_of(MOVING, "seen", 500)
    layout.reset(seed=1)
    assert {GRAPHS[number] for number in layout.batch.worlds.graph} <= graphs_of("train")


def test_usual_manuals_go_around_from_any_letter_and_shuffled_ones_do_not() -> None:
    for split, is_around in (("unseen", True), ("order", False)):
        envs = envs_of(split=split, num_envs=200)
        envs.reset(seed=0)
        around = [all(a[-1] == b[0] for a, b in pairwise(m)) for m in envs.manuals]
        assert all(around) == is_around
        of_monster = envs.batch.needed().argmax(axis=1)
        assert set(of_monster) == {0, 1, 2}


# Who wins


def success(id: str, knows: str, split: str = "unseen", num_envs: int = 2000) -> float:
    envs = envs_of(id, split, num_envs, copy=False, autoreset=False)
    envs.reset(seed=0)
    walker, won = Walker(envs, knows), np.zeros(num_envs, dtype=bool)  # type: ignore[arg-type]
    for _ in range(60):
        *_, info = envs.step(walker.actions())
        won |= info.get("success", False)
    return float(won.mean())


@pytest.mark.parametrize("id", [id for id in VARIANTS if "Moving" not in id])
def test_expert_wins_every_still_room_and_others_as_often_as_they_guess_right(id: str) -> None:
    assert success(id, "all") == 1.0
    assert success(id, "letters") == pytest.approx(1 / 2, abs=0.04)
    assert success(id, "nothing") == pytest.approx(1 / 3, abs=0.04)


def test_expert_wins_most_moving_rooms() -> None:
    assert 0.80 < success("groundling/RockPaperScissors-Moving-6x6-v0", "all") < 0.87
    assert success("groundling/RockPaperScissors-Moving-6x6-v0", "nothing") < 0.33
    assert success(MOVING, "all") > 0.95


def room_of(cells: list[int]) -> RockPaperScissorsVectorEnv:
    envs = envs_of(num_envs=1, autoreset=False)
    envs.reset(seed=0)
    envs.batch.worlds.cell[0, [AGENT, MONSTER, RIGHT, SAME, BEATEN]] = cells
    return envs


def test_expert_clears_the_way_to_a_monster_in_a_corner_before_it_takes_the_item() -> None:
    envs = room_of([33, 11, 43, 12, 21])  # both ways to the monster are over other items
    walker, moves = Walker(envs), 0
    done = False
    while not done:
        _, reward, terminated, truncated, _ = envs.step(walker.actions())
        assert not walker.lost[0]
        moves, done = moves + 1, bool(terminated[0] or truncated[0])
    assert (reward[0], moves) == (1.0, 12)  # 3 to an item, 4 to the right one, 5 to the monster


def test_without_the_item_the_expert_is_lost() -> None:
    envs = room_of([33, 11, 34, 44, 41])
    walker = Walker(envs)
    assert walker.actions().tolist() == [4]
    envs.step(np.array([4]))
    envs.step(np.array([2]))  # the other item destroys the right one
    assert walker.actions().tolist() == [0]
    assert walker.lost.tolist() == [True]


def test_moves_of_the_plan_are_worth_what_is_won() -> None:
    envs = envs_of("groundling/RockPaperScissors-Moving-6x6-v0", "unseen", 4000, copy=False, autoreset=False)
    envs.reset(seed=5)
    walker, worlds = Walker(envs), envs.batch.worlds
    assert walker._plan is not None
    number = (worlds.cell // 10 - 1) * 4 + worlds.cell % 10 - 1
    value = walker._plan.searching[number[:, AGENT], number[:, MONSTER], number[:, RIGHT]]
    gained = np.zeros(4000)
    for step in range(60):
        *_, info = envs.step(walker.actions())
        gained += 0.99**step * info.get("success", np.zeros(4000))
    assert gained.mean() == pytest.approx(value.mean(), abs=0.03)


def test_walkers_play_nothing_else() -> None:
    with pytest.raises(ConfigurationError, match="plays rock-paper-scissors, not RTFMVectorEnv"):
        Walker(find_family("groundling/RTFM-Simple-6x6-v0").make_vec("train", 2, 0))
    with pytest.raises(ConfigurationError, match="all, letters, nothing, not 'some'"):
        Walker(envs_of(), "some")  # type: ignore[arg-type]
    assert list(CHOICES) == ["all", "letters", "nothing"]


# Another manual


def test_a_manual_asks_for_the_item_whose_letter_it_says_beats_the_monster() -> None:
    envs = envs_of(num_envs=6)
    observation, _ = envs.reset(seed=0)
    assert isinstance(envs, DocumentJudge)
    rows = np.arange(6)
    manuals = observation["manual"]
    assert envs.endings_asked(manuals, rows).tolist() == [RIGHT] * 6
    turned = manuals[..., ::-1]  # who beats whom the other way round
    assert envs.endings_asked(turned, rows).tolist() == [BEATEN] * 6
    assert envs.endings_asked(np.zeros_like(manuals), rows).tolist() == [-1] * 6
    both = np.concatenate([manuals, turned], axis=1)
    assert envs.endings_asked(both, rows).tolist() == [-1] * 6
    assert envs.endings_asked(turned[[2]], np.array([2])).tolist() == [BEATEN]


def test_endings_are_the_item_that_was_carried() -> None:
    for items, ending in (([32, 44, 41], RIGHT), ([44, 32, 41], SAME), ([44, 41, 32], BEATEN)):
        envs = room_of([31, 33, *items])
        envs.step(np.array([4]))
        *_, info = envs.step(np.array([4]))
        assert envs.endings.tolist() == [ending]
        assert info["success"].tolist() == [ending == RIGHT]
    empty_handed = room_of([33, 34, 11, 44, 41])
    empty_handed.step(np.array([4]))
    assert empty_handed.endings.tolist() == [-1]


# Gymnasium


def test_environment_passes_gymnasiums_checks() -> None:
    env = gymnasium.make(MOVING, disable_env_checker=True, render_mode="rgb_array")
    check_env(env.unwrapped, skip_render_check=True)
    observation, info = env.reset(seed=4)
    assert WORDS.decode(observation["instruction"]) == info["instruction_text"] == "defeat the monster"
    assert [WORDS.decode(line) for line in observation["manual"] if line[0]] == list(info["manual_text"])
    assert env.render().shape == (640, 640, 3)
    with pytest.raises(UnknownEnvironmentError, match="no room"):
        gymnasium.make(MOVING, level="groundling/RockPaperScissors-8x8-v0")


def test_resumed_environments_go_on_bit_by_bit() -> None:
    envs, other = envs_of(MOVING), envs_of(MOVING)
    envs.reset(seed=2)
    actions = np.random.default_rng(0).integers(5, size=(40, 32))
    for row in actions[:10]:
        envs.step(row)
    other.load_state_dict(envs.state_dict())
    for row in actions[10:]:
        one, two = envs.step(row), other.step(row)
        assert all(np.array_equal(one[0][key], two[0][key]) for key in one[0])
        assert np.array_equal(one[1], two[1])
    with pytest.raises(ConfigurationError, match="another task or num_envs"):
        envs_of(num_envs=5).load_state_dict(envs.state_dict())
    wrong = envs.state_dict()
    wrong["worlds.graph"][0] = len(GRAPHS)
    with pytest.raises(ConfigurationError, match="rules that groundling/RockPaperScissors-6x6-v0 does not have"):
        envs_of().load_state_dict(wrong)


def test_observations_are_in_the_space_and_unknown_splits_are_refused() -> None:
    envs = envs_of("groundling/RockPaperScissors-10x10-v0", "smaller", num_envs=8)
    observation, _ = envs.reset(seed=0)
    assert observation in envs.observation_space
    assert not observation["image"][:, 6:].any()
    assert observation["image"][:, :6, :6, 0].all()
    with pytest.raises(SplitError, match="no split 'dev': choose one of all, train, validation, unseen, edges"):
        envs_of(split="dev")
    with pytest.raises(SplitError, match="no part 'dev' of the graphs"):
        places("dev")
    assert find_family(STILL).meaning({"instruction": "defeat the monster"}) == find_family(STILL).meaning(
        {"instruction": "anything"}
    )
