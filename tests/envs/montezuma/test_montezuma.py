"""The 15 tasks in Montezuma's Revenge: where they begin, what solves them, how they end and are told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest

import groundling
from groundling.envs.catalog import find_family
from groundling.envs.families.montezuma.clips import SAID, name_of, record_clips, told
from groundling.envs.families.montezuma.tasks import ACTIONS, FLOOR, TASKS, VOCABULARY, Start
from groundling.envs.families.montezuma.vector import MontezumaVectorEnv, Rules
from groundling.envs.simulators.errors import MissingSimulatorError
from groundling.errors import ActionError, ConfigurationError

PLAIN = Rules(frames=(1, 1), sticky=0.0)
LADDER, WALK = TASKS["groundling/Montezuma-4-v0"], TASKS["groundling/Montezuma-9-v0"]


def test_every_task_is_told_in_three_ways_of_known_words() -> None:
    assert [task.number for task in TASKS.values()] == list(range(1, 16))
    for task in TASKS.values():
        assert len(set(task.descriptions)) == 3
        VOCABULARY.encode_all(task.descriptions, length=24)


def test_missing_emulator_is_one_line_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(
        MissingSimulatorError, match=r"^ale-py is not installed \(.*\): pip install 'groundling\[atari\]'$"
    ):
        groundling.make_vec(LADDER.id, 1)


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ("frames=0", "1 to 8 frames, got 0 to 0"),
        ("frames=4-2", "got 4 to 2"),
        ("frames=x", "frames of .* is a number, not 'x'"),
        ("sticky=1", "less than 1, got 1"),
        ("max_steps=30", "more than the 38 steps of the warm-up, got 30"),
        ("description=4", "1, 2 or 3, or 0 for any of them, got 4"),
        ("lives=2", "has no setting 'lives': choose among frames"),
    ],
)
def test_rules_that_cannot_work_are_refused(settings: str, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause):
        find_family(f"{LADDER.id}?{settings}")


def test_what_is_not_named_has_no_name() -> None:
    names = {
        ((50, 235), (70, 235), 235): "right",
        ((50, 235), (30, 235), 235): "left",
        ((50, 235), (30, 235), 246): "jump left",
        ((50, 235), (50, 235), 246): "jump",
        ((77, 235), (77, 200), 235): "down",
        ((77, 200), (77, 235), 235): "up",
        ((77, 200), (79, 201), 201): None,
    }
    for (before, after, highest), name in names.items():
        assert name_of(before, after, highest, has_taken=False, moved=True) == name
    assert name_of((1, 1), (1, 1), 1, has_taken=False, moved=False) == "wait"
    assert name_of((1, 1), (1, 1), 20, has_taken=True, moved=True) == "take"
    rng = np.random.default_rng(0)
    assert told(["left", "down"], rng).startswith(SAID["left"])


ale_py = pytest.importorskip("ale_py", reason="pip install 'groundling[atari]'")
from groundling.envs.families.montezuma.game import NOOP, Game  # noqa: E402


@pytest.fixture(scope="module")
def game() -> Game:
    return Game()


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: str(task.number))
def test_start_stands_still_alive_short_of_its_goal(task: Any, game: Game) -> None:
    game.begin(task.start)
    lives, place = game.lives, game.place
    assert (game.room, lives) == (task.start.room, 6)
    assert game.has_taken == (task.start.taken_at is not None)
    assert not game.solves(task)
    game.act(NOOP, 152)  # as many as the longest warm-up has
    assert (game.lives, game.room, game.place) == (lives, task.start.room, place)
    assert not game.solves(task)


def test_goal_is_a_room_a_place_within_five_pixels_and_what_was_taken(game: Game) -> None:
    task = TASKS["groundling/Montezuma-13-v0"]
    game.begin(TASKS["groundling/Montezuma-14-v0"].start)  # stands there with the key
    for byte, value, is_solved in (
        *((101, 1, True), (101, 0, False), (101, 1, True), (3, 9, False), (3, 8, True)),
        *((42, 82, True), (42, 83, False), (42, 72, True), (42, 71, False), (42, 77, True)),
        *((43, FLOOR + 5, True), (43, FLOOR + 6, False), (43, FLOOR - 6, False)),
    ):
        game.ale.setRAM(byte, value)
        assert game.solves(task) == is_solved, (byte, value)


@pytest.mark.parametrize(
    ("room", "side", "y", "press", "other"),
    [
        (4, "right", 250, "up", 0),
        (4, "right", FLOOR, "down", 10),
        (10, "right", 250, "up", 4),
        (9, "left", 250, "up", 3),
    ],
)
def test_ladders_lead_to_the_rooms_of_the_games_map(
    room: int, side: Any, y: int, press: str, other: int, game: Game
) -> None:
    game.begin(Start(room, side, 77, y))
    for _ in range(130):
        game.act(ACTIONS.index(press))
        if game.room != room:
            break
    assert (game.room, game.lives) == (other, 6)


def test_place_of_the_room_that_is_left_is_no_goal_in_the_one_that_is_entered() -> None:
    """Down the ladder from room 0, whose foot is as high as the goal of room 4."""
    envs = MontezumaVectorEnv(LADDER, 1, rules=PLAIN, autoreset=False)
    envs.reset(seed=0)
    envs.games[0].act(ACTIONS.index("up"), 8)
    assert envs.games[0].room == 0
    rooms = []
    for _ in range(12):
        _, reward, terminated, _, _ = envs.step(np.array([ACTIONS.index("down")]))
        rooms.append((envs.games[0].room, envs.games[0].solves(LADDER)))
        assert not reward[0]
        assert not terminated[0]
    assert (4, True) in rooms, "there is such a frame"


# Ways found by search: presses and for how many frames.
WAYS: dict[int, tuple[tuple[str, int], ...]] = {
    3: (("noop", 48), ("right", 50), ("down", 110)),
    4: (("noop", 64), ("down", 120)),
    6: (("noop", 32), ("left", 20), ("leftfire", 1), ("left", 55), ("down", 110)),
    7: (("down", 30), ("left", 66), ("fire", 60)),
    8: (("down", 30), ("right", 70)),
    9: (("noop", 64), ("right", 130)),
    10: (("down", 15), ("left", 14), ("leftfire", 1), ("left", 34), ("leftfire", 1), ("left", 60)),
    11: (("left", 38), ("leftfire", 45), ("down", 120)),
    12: (("left", 38), ("leftfire", 1), ("left", 38), ("up", 80)),
    13: (("left", 1), ("leftfire", 1), ("left", 36), ("up", 80), ("fire", 1), ("noop", 40)),
    14: (("down", 140),),
}


def play(task: Any, way: tuple[tuple[str, int], ...]) -> list[tuple[float, bool, bool]]:
    envs = MontezumaVectorEnv(task, 1, rules=PLAIN, autoreset=False)
    envs.reset(seed=1)
    envs.games[0].begin(task.start)
    steps = []
    for name, frames in way:
        for _ in range(frames):
            _, reward, terminated, truncated, _ = envs.step(np.array([ACTIONS.index(name)]))
            steps.append((float(reward[0]), bool(terminated[0]), bool(truncated[0])))
            if terminated[0]:
                return steps
    return steps


@pytest.mark.parametrize("number", WAYS)
def test_scripted_way_reaches_the_goal(number: int) -> None:
    steps = play(TASKS[f"groundling/Montezuma-{number}-v0"], WAYS[number])
    assert steps[-1] == (1.0, True, False)
    assert all(step == (0.0, False, False) for step in steps[:-1])


@pytest.fixture
def envs() -> Iterator[Any]:
    made = groundling.make_vec(f"{LADDER.id}?max_steps=60", 2, seed=3)
    yield made
    made.close()


def trace(envs: Any, seed: int | None, actions: np.ndarray) -> list[Any]:
    seen = [envs.reset(seed=seed)[0]["image"].copy()]
    for row in actions:
        observation, reward, terminated, truncated, _ = envs.step(row)
        seen += [observation["image"], observation["instruction"], reward, terminated, truncated]
    return seen


def test_same_seed_gives_same_episodes_after_any_history_and_a_saved_state_goes_on(envs: Any) -> None:
    actions = np.random.default_rng(0).integers(18, size=(70, 2))
    first = trace(envs, 5, actions)
    trace(envs, 6, actions[:9])
    second = trace(envs, 5, actions)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], trace(envs, 8, actions[:0])[0])
    trace(envs, 5, actions[:20])
    saved = envs.state_dict()
    ours = [envs.step(row) for row in actions[20:]]
    envs.reset(seed=9)
    shown = envs.load_state_dict(saved)
    assert shown["image"].shape == (2, 84, 84)
    for row, (seen, reward, terminated, truncated, _) in zip(actions[20:], ours, strict=True):
        again = envs.step(row)
        assert np.array_equal(again[0]["image"], seen["image"])
        assert all(np.array_equal(a, b) for a, b in zip(again[1:4], (reward, terminated, truncated), strict=True))


def test_episode_out_of_time_is_truncated_and_its_last_observation_kept(envs: Any) -> None:
    first, _ = envs.reset(seed=1)
    assert envs.observation_space.contains(first)
    lengths = []
    for _ in range(60):
        observation, reward, terminated, truncated, info = envs.step(np.zeros(2, dtype=np.int64))
        assert not terminated.any()
        assert not reward.any()
        for row in np.flatnonzero(truncated):
            told = info["final_info"]
            lengths.append(int(told["episode"]["l"][row]))
            assert not told["success"][row]
            assert not np.array_equal(info["final_obs"][row]["image"], observation["image"][row])
    assert lengths
    assert all(60 - 37 <= length <= 60 - 8 for length in lengths), "the warm-up counts"


def test_lost_life_ends_an_episode_without_success() -> None:
    envs = MontezumaVectorEnv(TASKS["groundling/Montezuma-12-v0"], 1, rules=PLAIN, autoreset=False)
    envs.reset(seed=0)
    ended = False
    for _ in range(400):
        _, reward, terminated, truncated, info = envs.step(np.array([ACTIONS.index("left")]))
        ended = bool(terminated[0])
        if ended:
            break
    assert ended, "it walks off the edge"
    assert (reward[0], truncated[0], info["success"][0]) == (0, False, False)
    assert envs.games[0].lives == 5


def test_goal_that_costs_a_life_is_no_success() -> None:
    task = TASKS["groundling/Montezuma-14-v0"]
    envs = MontezumaVectorEnv(task, 1, rules=PLAIN, autoreset=False)
    for lives, success in ((6, True), (7, False)):
        envs.reset(seed=0)
        envs._lives[0] = lives
        for _ in range(140):
            _, reward, terminated, _, info = envs.step(np.array([ACTIONS.index("down")]))
            if envs.games[0].solves(task) or (terminated[0] and lives == 7):
                break
        assert terminated[0]
        assert (bool(reward[0]), bool(info["success"][0])) == (success, success)


def test_description_can_be_chosen_and_is_what_the_tokens_say() -> None:
    envs = groundling.make_vec(f"{WALK.id}?description=2", 2)
    observation, _ = envs.reset(seed=0)
    assert envs.instructions == (WALK.descriptions[1],) * 2
    assert VOCABULARY.decode(observation["instruction"][0]) == WALK.descriptions[1]
    with pytest.raises(ActionError, match="from 0 to 17"):
        envs.step(np.array([0, 18]))


def test_gymnasium_makes_one_and_draws_its_screen() -> None:
    env = gymnasium.make(LADDER.id, render_mode="rgb_array")
    observation, info = env.reset(seed=4)
    assert env.observation_space.contains(observation)
    assert info["instruction_text"] in LADDER.descriptions
    assert env.step(5)[4]["success"] is False
    assert env.render().shape == (210, 160, 3)
    env.close()


def test_clips_are_named_by_what_the_player_did() -> None:
    clips = record_clips(300, 3)
    assert len(clips) == 300
    assert clips.action_names == ACTIONS
    assert {bool(flag) for flag in clips.is_validation} == {True, False}
    pressed = {(side, told): 0 for side in ("left", "right") for told in ("left", "right")}
    for row, sentences in enumerate(clips.sentences):
        own = clips.actions[clips.starts[row] : clips.starts[row + 1]]
        if sentences[0] in SAID["left"] or sentences[0] in SAID["right"]:
            side = "left" if sentences[0] in SAID["left"] else "right"
            for other in ("left", "right"):
                pressed[other, side] += sum(other in ACTIONS[action] for action in own)
    assert pressed["left", "left"] > 1.5 * pressed["right", "left"] > 0, "some actions are at random"
    assert pressed["right", "right"] > 1.5 * pressed["left", "right"]
