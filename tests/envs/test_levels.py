"""MiniGrid's levels as sources of episodes: ids, settings, and what is refused because it could not be matched."""

from __future__ import annotations

import contextlib
import gc
import io
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from hand_built import BLUE, GREEN, RED
from minigrid.core.world_object import Ball, Box, Door, Floor, Goal, Key, Lava, Wall
from minigrid.envs import FetchEnv
from minigrid.envs.babyai import GoToLocal, GoToObj, GoToRedBallNoDists
from minigrid.envs.babyai.core import verifier
from minigrid.envs.babyai.core.verifier import AndInstr, BeforeInstr, GoToInstr, ObjDesc, PickupInstr

from groundling.envs import EpisodeBank
from groundling.envs.banks.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import BOX, FIRST_OBJECT, KEY, NOWHERE
from groundling.envs.families.babyai.known import level_of, minigrid_levels
from groundling.envs.families.babyai.levels import SEQUENCE_LEVELS, MiniGridLevel
from groundling.envs.families.babyai.minigrid_import import read_episode
from groundling.errors import ConfigurationError, UnknownEnvironmentError, UnsupportedLevelError
from groundling.language.goals import After, And, Color, Location, ObjectDescription, ObjectType, PutNextTo
from groundling.language.grammar import render
from groundling.language.vocabulary import VOCABULARY

UNSUPPORTED = [
    id for id in gymnasium.registry if id.startswith("MiniGrid-") and id not in minigrid_levels() and "WFC" not in id
]
WFC = [id for id in gymnasium.registry if id.startswith("MiniGrid-WFC")]

Register = Callable[..., str]


@pytest.fixture
def register() -> Iterator[Register]:
    """Registers a class as a level for the time of a test; returns its id."""
    ids = []

    def add(level: type[Any] | str, **options: Any) -> str:
        name = level.rpartition(":")[2] if isinstance(level, str) else level.__name__
        ids.append(f"Own/{name}-v{len(ids)}")
        gymnasium.register(ids[-1], entry_point=level, **options)
        return ids[-1]

    yield add
    for id in ids:
        del gymnasium.registry[id]


def episodes_equal(first: Episode, second: Episode) -> bool:
    def parts(episode: Episode) -> list[object]:
        return [value for name, value in vars(episode).items() if name != "cells"]

    return parts(first) == parts(second) and np.array_equal(first.cells, second.cells)


# Ids


def test_all_of_babyai_and_minigrids_levels_of_missions_are_there() -> None:
    levels = minigrid_levels()
    assert len(levels) == len(set(levels)) == 134
    assert [id for id in gymnasium.registry if id.startswith("BabyAI-")] == levels[:96]
    assert set(levels) >= SEQUENCE_LEVELS


def test_both_forms_of_an_id_name_the_same_level() -> None:
    for level in ("BabyAI-GoToLocal-v0", "MiniGrid-Fetch-8x8-N3-v0", "MiniGrid-ObstructedMaze-Full-v1"):
        assert level_of(level) == level_of(f"groundling/{level.split('-', 1)[1]}") == level
    # where both have a level of this name, the short id is BabyAI's
    assert level_of("groundling/UnlockPickup-v0") == "BabyAI-UnlockPickup-v0"


@pytest.mark.parametrize(
    ("id", "nearest"),
    [
        ("BabyAI-GoToLokal-v0", "BabyAI-GoToLocal-v0"),
        ("groundling/PikupLoc-v0", "BabyAI-PickupLoc-v0"),
        ("MiniGrid-Fetch-8x8-N4-v0", "MiniGrid-Fetch-8x8-N3-v0"),
        ("memorys9", "MiniGrid-MemoryS9-v0"),
    ],
)
def test_unknown_id_is_refused_and_the_nearest_are_named(id: str, nearest: str) -> None:
    for ask in (level_of, MiniGridLevel):
        with pytest.raises(UnknownEnvironmentError, match=nearest) as caught:
            ask(id)
        assert repr(id) in str(caught.value)


@pytest.mark.parametrize("id", [*UNSUPPORTED, *WFC])
def test_level_of_one_mission_is_refused_in_one_line(id: str) -> None:
    with pytest.raises(UnsupportedLevelError) as caught:
        MiniGridLevel(id)
    message = str(caught.value)
    assert message.startswith(f"{id} cannot be compiled: its mission never varies")
    assert "\n" not in message
    assert "BabyAI" in message


@pytest.mark.parametrize("id", UNSUPPORTED)
@pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")
def test_mission_of_a_refused_level_never_varies_indeed(id: str) -> None:
    env = gymnasium.make(id, disable_env_checker=True).unwrapped
    with contextlib.redirect_stdout(io.StringIO()):
        assert len({env.reset(seed=seed)[0]["mission"] for seed in range(8)}) == 1


@pytest.mark.parametrize("id", ["CartPole-v1", "FrozenLake-v1"])
def test_environment_of_another_kind_is_refused(id: str) -> None:
    with pytest.raises(UnsupportedLevelError, match=f"{id} cannot be compiled: it is no level of MiniGrid"):
        MiniGridLevel(id)


def test_environment_that_cannot_be_imported_is_refused(register: Register) -> None:
    gymnasium.register("Own/Missing-v0", entry_point="no_such_package.levels:Level")
    try:
        with pytest.raises(UnsupportedLevelError, match="Own/Missing-v0 cannot be compiled: No module named"):
            MiniGridLevel("Own/Missing-v0")
    finally:
        del gymnasium.registry["Own/Missing-v0"]


# Instructions


def test_longest_instruction_of_babyai_fits() -> None:
    ball = ObjectDescription(ObjectType.BALL, Color.RED, Location.FRONT)
    put = PutNextTo(ball, ObjectDescription(ObjectType.BOX, Color.BLUE, Location.LEFT))
    assert len(VOCABULARY.encode(render(put))) <= CLAUSE_TOKENS
    longest = render(After(And((put, put)), And((put, put))))
    assert longest.count("put the red ball in front of you next to the blue box on your left") == 4
    assert len(VOCABULARY.encode(longest)) <= SEQUENCE_TOKENS


def test_levels_called_sequences_are_those_that_join_clauses() -> None:
    joining = set()
    for id in minigrid_levels():
        level = MiniGridLevel(id)
        assert level.instruction_length == (SEQUENCE_TOKENS if id in SEQUENCE_LEVELS else CLAUSE_TOKENS)
        with contextlib.redirect_stdout(io.StringIO()):
            if any(len(level.sample(seed).program) > 1 for seed in range(15)):
                joining.add(id)
    assert joining == SEQUENCE_LEVELS


def test_level_of_ones_own_may_join_clauses(register: Register) -> None:
    class TwoVisits(GoToObj):
        def gen_mission(self) -> None:
            super().gen_mission()
            self.instrs = BeforeInstr(AndInstr(self.instrs, self.instrs), AndInstr(self.instrs, self.instrs))

    level = MiniGridLevel(register(TwoVisits))
    assert len(level.sample(0).program) == 4
    assert level.instruction_length == SEQUENCE_TOKENS
    assert EpisodeBank.of_seeds(level.id, range(3)).instruction_length == SEQUENCE_TOKENS


# Sampling


@pytest.mark.parametrize("id", ["BabyAI-BossLevel-v0", "MiniGrid-MemoryS17Random-v0", "BabyAI-PutNextS5N2Carrying-v0"])
def test_same_seed_gives_same_episode_after_any_history(id: str) -> None:
    level = MiniGridLevel(id)
    with contextlib.redirect_stdout(io.StringIO()):
        first = [level.sample(seed) for seed in (3, 4, 5)]
        again = [MiniGridLevel(id).sample(seed) for seed in (5, 3, 4)]
    assert all(map(episodes_equal, first, (again[1], again[2], again[0])))
    assert not episodes_equal(first[0], first[1])


def of_whole_reset(level: MiniGridLevel, seed: int) -> Episode:
    """The episode as MiniGrid's own environment has it, made anew, with its first view and its verifier's search."""
    env = level.make_env()
    env.reset(seed=seed)
    return read_episode(level.id, env, seed)


@pytest.mark.parametrize("id", minigrid_levels())
def test_what_is_spared_of_a_reset_changes_no_episode(id: str) -> None:
    level = MiniGridLevel(id)
    with contextlib.redirect_stdout(io.StringIO()):
        for seed in range(2):
            assert episodes_equal(level.sample(seed), of_whole_reset(level, seed)), seed


def test_sampled_environment_is_freed_at_once() -> None:
    """Left to the garbage collector, thousands of tiles an episode cost more than a tenth of the time."""
    level = MiniGridLevel("BabyAI-GoToLocal-v0")
    level.sample(0)
    gc.collect()
    gc.disable()
    try:
        before = sum(type(one) is Wall for one in gc.get_objects())
        level.sample(1)
        assert sum(type(one) is Wall for one in gc.get_objects()) == before
    finally:
        gc.enable()


def test_level_travels_to_another_process() -> None:
    level = MiniGridLevel("BabyAI-GoToLocal-v0").changed(room_size=9)
    assert pickle.loads(pickle.dumps(level)) == level
    code = (
        "import pickle, sys; level = pickle.load(sys.stdin.buffer); episode = level.sample(4);"
        "print(level.id, level.setting('room_size'), episode.cells.shape, episode.instruction, sep='|')"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(level), capture_output=True, check=True)
    told = ["BabyAI-GoToLocal-v0", "9", "(9, 9)", level.sample(4).instruction]
    assert done.stdout.decode().strip().split("|") == told


def test_only_what_every_process_registers_is_importable(register: Register) -> None:
    assert MiniGridLevel("BabyAI-GoToLocal-v0").is_importable
    for own in (GoToLocalWithGoal, f"{__name__}:GoToLocalWithGoal"):
        assert not MiniGridLevel(register(own)).is_importable


# Settings


@pytest.mark.parametrize(
    ("id", "room_size", "num_distractors"),
    [
        ("BabyAI-GoToLocal-v0", 8, 8),
        ("BabyAI-OpenRedDoor-v0", 5, None),
        ("BabyAI-GoToRedBallNoDists-v0", 8, 0),
        ("BabyAI-MiniBossLevel-v0", 5, 7),
        ("MiniGrid-Fetch-8x8-N3-v0", 8, 3),
        ("MiniGrid-KeyCorridorS4R3-v0", 4, None),
        ("MiniGrid-UnlockPickup-v0", 6, None),
    ],
)
def test_setting_is_what_the_level_is_made_with(id: str, room_size: int, num_distractors: int | None) -> None:
    level = MiniGridLevel(id)
    assert level.setting("room_size") == room_size
    assert level.setting("num_distractors") == num_distractors
    assert level.setting("nonsense") is None


def test_changed_settings_change_the_world() -> None:
    fetch = MiniGridLevel("MiniGrid-Fetch-8x8-N3-v0")
    larger = fetch.changed(room_size=12, num_distractors=9)
    assert larger.settings == (("numObjs", 9), ("size", 12))
    assert (larger.setting("room_size"), larger.setting("size"), larger.setting("numObjs")) == (12, 12, 9)
    episode = larger.sample(0)
    assert episode.cells.shape == (12, 12)
    assert len(episode.looks) == 9
    assert larger.changed(room_size=10).settings == (("numObjs", 9), ("size", 10))
    assert fetch.sample(0).cells.shape == (8, 8)


def test_changed_steps_and_rewards_follow_the_settings() -> None:
    level = MiniGridLevel("BabyAI-GoToLocal-v0")
    assert level.sample(0).max_steps == 64
    assert level.changed(room_size=10).sample(0).max_steps == 100
    assert level.changed(max_steps=7).sample(0).max_steps == 7


def test_setting_that_does_not_exist_is_refused_and_the_others_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"has no setting 'room_sise'; it has .*num_dists.*room_size"):
        MiniGridLevel("BabyAI-GoToLocal-v0").changed(room_sise=9)
    with pytest.raises(ConfigurationError, match="has no setting 'num_distractors'"):
        MiniGridLevel("MiniGrid-MemoryS7-v0").changed(num_distractors=3)


def test_setting_that_the_level_fixes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="BabyAI-OpenRedDoor-v0 fixes room_size itself"):
        MiniGridLevel("BabyAI-OpenRedDoor-v0").changed(room_size=9)


def test_value_that_the_level_refuses_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="MiniGrid-GoToDoor-5x5-v0 cannot be made with room_size=4"):
        MiniGridLevel("MiniGrid-GoToDoor-5x5-v0").changed(room_size=4)


def test_fingerprint_tells_levels_and_settings_apart(register: Register) -> None:
    level = MiniGridLevel("BabyAI-GoToLocal-v0")
    assert level.fingerprint() == MiniGridLevel("BabyAI-GoToLocal-v0").fingerprint()
    assert level.fingerprint() != level.changed(room_size=9).fingerprint()
    assert "minigrid" in level.fingerprint()


def test_fingerprint_of_a_level_of_ones_own_follows_its_code(register: Register) -> None:
    def version(kind: str) -> type[Any]:
        namespace: dict[str, Any] = {"GoToObj": GoToObj}
        exec(f"class Version(GoToObj):\n    def gen_mission(self):\n        self.kind = {kind!r}", namespace)
        return namespace["Version"]  # type: ignore[no-any-return]

    first, second, third = (MiniGridLevel(register(version(kind))) for kind in ("ball", "box", "ball"))
    assert first.fingerprint() == third.fingerprint()
    assert first.fingerprint() != second.fingerprint()
    assert MiniGridLevel(register(GoToLocalWithGoal)).fingerprint() != MiniGridLevel(register(OwnBall)).fingerprint()


def test_description_is_the_levels_own() -> None:
    assert (
        MiniGridLevel("BabyAI-GoToObjS6-v1").description
        == "Go to an object, inside a single room with no doors, no distractors (room_size 6)"
    )


# Levels of one's own that MiniGrid's rules do not hold for, or that hold what is not compiled


class GoToLocalWithGoal(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.place_obj(Goal())


class OwnStep(GoToLocal):
    def step(self, action: int) -> Any:
        return super().step(action)


class OwnReward(GoToLocal):
    def _reward(self) -> float:
        return 1.0


class OwnReset(GoToLocal):
    def reset(self, **kwargs: Any) -> Any:
        return super().reset(**kwargs)


class OwnFetch(FetchEnv):
    def gen_obs(self) -> Any:
        return super().gen_obs()


@pytest.mark.parametrize(
    ("level", "rule"), [(OwnStep, "step"), (OwnReward, "_reward"), (OwnReset, "reset"), (OwnFetch, "gen_obs")]
)
def test_level_of_other_rules_is_refused(level: type[Any], rule: str, register: Register) -> None:
    id = register(level)
    with pytest.raises(
        UnsupportedLevelError, match=f"{id} cannot be compiled: {level.__name__} changes MiniGrid's {rule},"
    ):
        MiniGridLevel(id)


def test_level_with_a_wrapper_is_refused(register: Register) -> None:
    class Timed(GoToLocal):
        pass

    with pytest.raises(UnsupportedLevelError, match="a wrapper of Gymnasium's; set a time limit by max_steps"):
        MiniGridLevel(register(Timed, max_episode_steps=10))


class OwnBall(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.place_obj(HeavyBall("red"))


class HeavyBall(Ball):
    def can_pickup(self) -> bool:
        return False


class WithFloor(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.place_obj(Floor("blue"))


class WithLava(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.place_obj(Lava())


class WithRedWall(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.grid.set(0, 0, Wall("red"))


class WithTwin(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        ball = Ball("red")
        self.place_obj(ball)
        self.place_obj(ball)


class WithOpenLock(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.grid.set(0, 3, Door("red", is_open=True, is_locked=True))


class Hop(GoToInstr):
    def verify_action(self, action: int) -> str:
        return "success"


class OwnClause(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.instrs = Hop(self.instrs.desc)


class OwnOrder(GoToLocal):
    class Whenever(BeforeInstr):
        def verify(self, action: int) -> str:
            return "success"

    def gen_mission(self) -> None:
        super().gen_mission()
        self.instrs = self.Whenever(self.instrs, self.instrs)


class OwnWords(GoToLocal):
    def _gen_grid(self, width: int, height: int) -> None:
        super()._gen_grid(width, height)
        self.mission = "kindly approach what I mean"


class OtherWords(GoToLocal):
    def _gen_grid(self, width: int, height: int) -> None:
        super()._gen_grid(width, height)
        self.mission = "open the red door"


class GoToWalls(GoToLocal):
    def gen_mission(self) -> None:
        super().gen_mission()
        self.instrs = GoToInstr(ObjDesc(None, "grey"))


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        (GoToLocalWithGoal, "1 goal tiles: only the one of LockedRoom is compiled"),
        (OwnBall, "the object HeavyBall"),
        (WithFloor, r"the object Floor \(blue floor\) is not compiled"),
        (WithLava, "the object Lava"),
        (WithRedWall, r"the object Wall \(red wall\) is not compiled"),
        (WithTwin, "the same object stands in two places"),
        (WithOpenLock, "a door that is both open and locked"),
        (OwnClause, "Hop is no instruction of BabyAI's"),
        (OwnOrder, "Whenever is no instruction of BabyAI's"),
        (OwnWords, "not 'kindly approach what I mean'"),
        (OtherWords, "not 'open the red door'"),
        (GoToWalls, "means walls"),
    ],
)
def test_world_that_the_kernels_would_not_match_is_refused(level: type[Any], reason: str, register: Register) -> None:
    id = register(level)
    with pytest.raises(UnsupportedLevelError, match=reason) as caught:
        MiniGridLevel(id).sample(3)
    assert str(caught.value).startswith(f"{id}, seed 3: ")
    assert "\n" not in str(caught.value)


def test_other_view_is_refused(register: Register) -> None:
    class Plain(GoToLocal):
        pass

    with pytest.raises(UnsupportedLevelError, match="a view of 9 tiles; 7 are compiled"):
        MiniGridLevel(register(Plain, kwargs={"agent_view_size": 9})).sample(0)
    with pytest.raises(UnsupportedLevelError, match="a view of 5 tiles; 7 are compiled"):
        MiniGridLevel("MiniGrid-MemoryS7-v0", (("agent_view_size", 5),)).sample(0)


def test_world_too_full_or_too_large_is_refused() -> None:
    full = MiniGridLevel("BabyAI-GoToLocal-v0", (("num_dists", 70), ("room_size", 20)))
    with pytest.raises(UnsupportedLevelError, match="70 objects, at most 64 are compiled"):
        full.sample(0)
    large = MiniGridLevel("BabyAI-OneRoomS8-v0", (("room_size", 200),))
    with pytest.raises(UnsupportedLevelError, match="a map of 200 x 200 tiles; positions are 16-bit"):
        large.sample(0)


def test_rules_of_babyais_done_actions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "use_done_actions", "1")
    with pytest.raises(UnsupportedLevelError, match="BABYAI_DONE_ACTIONS"):
        MiniGridLevel("BabyAI-GoToLocal-v0").sample(0)


def test_walls_do_not_count_among_grey_objects_to_pick_up(register: Register) -> None:
    class PickUpGrey(GoToLocal):
        def gen_mission(self) -> None:
            super().gen_mission()
            self.place_obj(Key("grey"))
            self.instrs = PickupInstr(ObjDesc(None, "grey"))

    episode = MiniGridLevel(register(PickUpGrey)).sample(1)
    ((_, _, meant, _),) = episode.program
    greys = [k for k, seen in enumerate(episode.looks) if seen >> 8 & 0xFF == 5]
    assert meant == sum(1 << k for k in greys)
    assert episode.instruction == "pick up a grey object"


def test_box_in_a_box_is_compiled(register: Register) -> None:
    class Nested(GoToRedBallNoDists):
        def gen_mission(self) -> None:
            super().gen_mission()
            self.place_obj(Box("red", contains=Box("green", contains=Key("blue"))))

    episode = MiniGridLevel(register(Nested)).sample(0)
    code_of = {seen & 0xFFFF: code for code, seen in enumerate(episode.looks, start=FIRST_OBJECT)}
    outer, inner, key = (code_of[kind | color << 8] for kind, color in ((BOX, RED), (BOX, GREEN), (KEY, BLUE)))
    assert [episode.contents[code - FIRST_OBJECT] for code in (outer, inner, key)] == [inner, key, 0]
    assert [episode.positions[code - FIRST_OBJECT] == NOWHERE for code in (outer, inner, key)] == [False, True, True]
