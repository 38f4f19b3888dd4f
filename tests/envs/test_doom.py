"""ViZDoom: the same pixels for a seed, rewards at objects, and an engine that may crash or hang without harm."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from groundling.envs.families.chaplot import ChaplotEpisode, Difficulty, sample_episodes
from groundling.envs.simulators import doom, doom_maps
from groundling.envs.simulators.doom import ChaplotDoomEnv, reached_object
from groundling.envs.simulators.doom_engine import DoomEngine, DoomState, DoomTimeouts
from groundling.envs.simulators.doom_maps import ACTORS, DoomActor, PlacedActor, actors_of, map_of, position_of
from groundling.envs.simulators.doom_resolutions import band_of
from groundling.envs.simulators.doom_vector import make_chaplot_doom_vec, register_doom
from groundling.envs.simulators.errors import (
    EngineCrashError,
    EngineHangError,
    EngineRejectionError,
    EngineRestartError,
    MissingSimulatorError,
)
from groundling.errors import ActionError, ConfigurationError, GroundlingError
from groundling.language.grounded import GROUNDED_VOCABULARY, OBJECTS, TRAIN

needs_vizdoom = pytest.mark.skipif(importlib.util.find_spec("vizdoom") is None, reason="the extra doom")
LEFT, RIGHT, FORWARD = range(3)


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every engine's folder is made here, and must be gone when the test ends."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    deadline = time.monotonic() + 5
    while list(tmp_path.glob("groundling-doom-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(tmp_path.glob("groundling-doom-*"))


@pytest.fixture
def env(own_temporary_folder: None) -> Iterator[ChaplotDoomEnv]:
    env = ChaplotDoomEnv("easy", timeouts=DoomTimeouts(step_s=5.0))
    yield env
    env.close()


def members(group: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def engine_of(env: ChaplotDoomEnv) -> int:
    """The engine's own process, which the worker started."""
    leader = env.engine_process_id
    assert leader is not None
    (engine,) = set(members(leader)) - {leader}
    return engine


def shared_memory_of(process: int) -> set[Path]:
    """The engine's shared memory that a process has open."""
    lines = Path(f"/proc/{process}/maps").read_text().splitlines()
    return {Path(line.split()[-1]) for line in lines if "ViZDoom" in line and "/shm/" in line}


def assert_all_gone(group: int) -> None:
    deadline = time.monotonic() + 10
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not members(group)


def walk_to(env: ChaplotDoomEnv, place: int) -> tuple[float, bool, bool, dict[str, object]]:
    """Turn and walk towards one of the episode's objects until the episode ends."""
    assert env.episode is not None
    goal = actors_of(env.episode)[place]
    while True:
        assert env.state is not None
        bearing = math.degrees(math.atan2(goal.y - env.state.y, goal.x - env.state.x))
        off = (bearing - env.state.angle_deg + 180) % 360 - 180
        action = FORWARD if abs(off) < 9 else LEFT if off > 0 else RIGHT
        _, reward, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            return reward, terminated, truncated, info


# --- maps: these need no engine ---------------------------------------------------------------------------------------


def test_every_object_has_an_actor_of_its_own() -> None:
    assert set(ACTORS) == set(OBJECTS)
    assert len({actor.number for actor in ACTORS.values()}) == len({actor.name for actor in ACTORS.values()}) == 18


def test_map_holds_the_episode_in_dooms_units() -> None:
    episode = ChaplotEpisode(0, (0, 6, 10, 13, 17), ((2, 2), (12, 2), (2, 12), (12, 12), (7, 7)), (5, 7), 1, 2)
    assert [(placed.x, placed.y) for placed in actors_of(episode)] == [
        (48, 368),
        (368, 368),
        (48, 48),
        (368, 48),
        (208, 208),
    ]
    text = map_of(episode)
    assert "thing { type = 1; x = 144.0; y = 208.0; angle = 270;" in text  # heading 1 is down, which is south
    for number, x, y in (
        (57, 48.0, 368.0),
        (33, 368.0, 368.0),
        (6, 48.0, 48.0),
        (39, 368.0, 48.0),
        (2019, 208.0, 208.0),
    ):
        assert f"thing {{ type = {number}; x = {x}; y = {y};" in text


def test_reach_is_by_distance_and_the_right_object_comes_first() -> None:
    placed = [PlacedActor(DoomActor("A", 1), 100, 100), PlacedActor(DoomActor("B", 2), 164, 100)]
    frame = np.zeros((1, 1, 3), np.uint8)
    at = DoomState(frame, 100.0, 140.1, 0.0)
    for target in (0, 1):
        assert reached_object(placed, target, at) is None
        assert reached_object(placed, target, replace(at, y=140.0)) == 0
        assert reached_object(placed, target, replace(at, x=133.0, y=100.0)) == target  # both are within reach
        assert reached_object(placed, target, replace(at, x=199.0, y=135.0)) is None
    placed.append(PlacedActor(DoomActor("C", 3), 300, 300))
    assert reached_object(placed, 2, replace(at, x=133.0, y=100.0)) == 1


# --- what needs the engine --------------------------------------------------------------------------------------------


@needs_vizdoom
def test_same_seed_gives_same_pixels_after_any_history() -> None:
    def played(env: ChaplotDoomEnv, seed: int) -> list[np.ndarray]:
        frames = [env.reset(seed=seed)[0]["image"]]
        for action in (FORWARD, LEFT, LEFT, FORWARD, FORWARD, RIGHT):
            observation, _, terminated, _, _ = env.step(action)
            frames.append(observation["image"])
            if terminated:
                break
        assert len(frames) > 3
        return frames

    one, other = ChaplotDoomEnv("hard"), ChaplotDoomEnv("hard")
    try:
        seeds = range(4)
        first = {seed: played(one, seed) for seed in seeds}
        for seed in reversed(seeds):
            other.reset(seed=100 + seed)
            other.step(RIGHT)
            for ours, theirs in zip(played(other, seed), first[seed], strict=True):
                assert np.array_equal(ours, theirs), seed
            other.reset()
        assert not np.array_equal(first[0][0], first[1][0])
    finally:
        one.close()
        other.close()


@needs_vizdoom
def test_walking_to_the_right_object_is_rewarded_and_to_a_wrong_one_punished(env: ChaplotDoomEnv) -> None:
    for seed in range(6):
        for off, expected in ((0, 1.0), (1 + seed % 4, -0.2)):
            env.reset(seed=seed)
            assert env.episode is not None
            reward, terminated, truncated, info = walk_to(env, (env.episode.target + off) % 5)
            assert (reward, terminated, truncated) == (expected, True, False), seed
            assert info["success"] == (off == 0)


@needs_vizdoom
@pytest.mark.slow
def test_every_object_can_be_walked_to() -> None:
    env = ChaplotDoomEnv("easy")
    try:
        row = sample_episodes(0, 1, Difficulty.EASY, TRAIN)[0]
        for first in range(0, 18, 5):
            for place in range(5):
                objects = tuple((first + index) % 18 for index in range(5))
                env.play(replace(row, objects=objects, target=place))
                reward, terminated, _, _ = walk_to(env, place)
                assert terminated
                assert reward == 1.0, objects[place]
    finally:
        env.close()


@needs_vizdoom
def test_key_is_not_picked_up_before_it_is_reached(env: ChaplotDoomEnv) -> None:
    """Doom's own keys are when player and key are less than 36 units apart along both axes: at a corner 50 units."""
    names = [str(thing) for thing in OBJECTS]
    objects = tuple(map(names.index, ("blue keycard", "red armor", "green armor", "red keycard", "red skullkey")))
    env.play(ChaplotEpisode(0, objects, ((7, 8), (12, 2), (12, 12), (2, 2), (2, 12)), (5, 7), 0, 0))
    assert env.state is not None
    key = actors_of(env.episode)[0] if env.episode is not None else None
    assert key is not None
    for _ in range(2):
        observation, _, terminated, _, _ = env.step(FORWARD)
    assert max(abs(key.x - env.state.x), abs(key.y - env.state.y)) < 36
    assert math.hypot(key.x - env.state.x, key.y - env.state.y) > 40
    assert not terminated
    red, _, blue = observation["image"].astype(int).transpose(2, 0, 1)
    assert ((blue > 100) & (red < 60)).sum() > 20
    _, _, terminated, _, _ = env.step(FORWARD)
    assert terminated


@needs_vizdoom
def test_episode_is_truncated_after_30_steps_without_reward(env: ChaplotDoomEnv) -> None:
    env.reset(seed=0)
    steps = [env.step(LEFT) for _ in range(30)]
    assert [(step[1], step[2], step[3]) for step in steps] == [(0.0, False, False)] * 29 + [(0.0, False, True)]
    assert steps[-1][4]["success"] is False
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(LEFT)


@needs_vizdoom
def test_actions_turn_left_turn_right_and_step_forward_at_once(env: ChaplotDoomEnv) -> None:
    for action, turned in ((LEFT, 8.8), (RIGHT, -8.8), (FORWARD, 0.0)):
        env.reset(seed=0)
        assert env.state is not None
        before = env.state
        env.step(action)
        assert (env.state.angle_deg - before.angle_deg + 180) % 360 - 180 == pytest.approx(turned, abs=0.1)
        assert (env.state.x - before.x > 8) == (action == FORWARD)


@needs_vizdoom
def test_instruction_is_in_the_observation_and_in_the_info(env: ChaplotDoomEnv) -> None:
    observation, info = env.reset(seed=4)
    assert env.episode is not None
    assert info == {"instruction_text": env.episode.text}
    assert GROUNDED_VOCABULARY.decode(observation["instruction"]) == env.episode.text.lower()
    assert env.observation_space.contains(observation)


@needs_vizdoom
def test_frames_are_resized_to_the_size_asked_for() -> None:
    env = ChaplotDoomEnv("easy", resolution=(200, 125), image_size=(64, 48), render_mode="rgb_array")
    try:
        observation, _ = env.reset(seed=0)
        assert observation["image"].shape == (48, 64, 3)
        picture = env.render()
        assert picture is not None
        assert picture.shape == (125, 200, 3)
        assert abs(picture.mean() - observation["image"].mean()) < 2
    finally:
        env.close()


def test_band_lies_around_the_horizon_and_within_the_frame() -> None:
    assert band_of((200, 125), (200, 72), 0.5) == slice(26, 98)
    assert band_of((200, 125), (200, 72), 0.25) == slice(44, 116)
    assert band_of((200, 125), (100, 36), 0.5) == slice(26, 98)  # of pixels twice as large
    assert band_of((200, 125), (200, 72), 0.0) == slice(53, 125)
    assert band_of((200, 125), (200, 72), 1.0) == slice(0, 72)
    assert band_of((160, 120), (64, 48), 0.2) == band_of((160, 120), (64, 64), 0.2) == slice(0, 120)


@needs_vizdoom
def test_image_flatter_than_the_frame_shows_a_band_of_it() -> None:
    env = ChaplotDoomEnv("easy", image_size=(200, 72), horizon=0.25, render_mode="rgb_array")
    halved = ChaplotDoomEnv("easy", resolution=(200, 125), image_size=(100, 36), horizon=0.25)
    try:
        image = env.reset(seed=0)[0]["image"]
        frame = env.render()
        assert frame is not None
        assert np.array_equal(image, frame[44:116])
        small = halved.reset(seed=0)[0]["image"].astype(float)
        means = image.reshape(36, 2, 100, 2, 3).mean(axis=(1, 3))
        assert np.abs(small - means).max() <= 1
    finally:
        env.close()
        halved.close()


@needs_vizdoom
@pytest.mark.parametrize(
    ("size", "resolution"),
    [
        ((80, 60), (160, 120)),
        ((128, 72), (256, 144)),
        ((96, 56), (160, 120)),
        ((161, 90), (200, 125)),
        ((200, 72), (200, 125)),
    ],
)
def test_engine_draws_at_the_smallest_resolution_that_suits_the_images(
    size: tuple[int, int], resolution: tuple[int, int]
) -> None:
    assert ChaplotDoomEnv(image_size=size).resolution == resolution


@needs_vizdoom
@pytest.mark.parametrize("resolution", [(160, 120), (256, 144), (200, 125), (320, 256)])
def test_field_of_view_is_the_same_on_frames_of_any_shape(resolution: tuple[int, int]) -> None:
    """Objects 45 degrees to the sides stand at 1/8 and 7/8 of a frame of 106 degrees."""
    (row,) = sample_episodes(0, 1, Difficulty.EASY, TRAIN)
    names = [str(thing) for thing in OBJECTS]
    pillar, key = names.index("short red pillar"), names.index("blue keycard")
    env = ChaplotDoomEnv("easy", resolution=resolution)
    try:
        observation, _ = env.play(replace(row, objects=(pillar, key, key, key, pillar)))
    finally:
        env.close()
    red, green, blue = observation["image"].astype(int).transpose(2, 0, 1)
    columns = np.flatnonzero(((red > 120) & (green < 60) & (blue < 60)).sum(axis=0) > 2) / resolution[0]
    assert columns[columns < 0.5].mean() == pytest.approx(0.125, abs=0.015)
    assert columns[columns > 0.5].mean() == pytest.approx(0.875, abs=0.015)


@needs_vizdoom
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes:UserWarning")
def test_checker_of_gymnasium_passes_on_the_registered_environment() -> None:
    register_doom()
    env = gymnasium.make("groundling/GroundedDoom-Medium-v0").unwrapped
    assert isinstance(env, ChaplotDoomEnv)
    assert env.difficulty is Difficulty.MEDIUM
    check_env(env)


@needs_vizdoom
def test_wrong_settings_are_named(env: ChaplotDoomEnv) -> None:
    with pytest.raises(ConfigurationError, match=r"no resolution 161x120; it has 160x120, 200x125"):
        ChaplotDoomEnv(resolution=(161, 120))
    with pytest.raises(ConfigurationError, match="got 'harder'"):
        ChaplotDoomEnv("harder")
    with pytest.raises(ConfigurationError, match="at least one"):
        ChaplotDoomEnv(instructions=())
    with pytest.raises(ConfigurationError, match="horizon"):
        ChaplotDoomEnv(horizon=42)
    with pytest.raises(ConfigurationError, match="render_mode"):
        ChaplotDoomEnv(render_mode="human")
    with pytest.raises(ConfigurationError, match="num_envs"):
        make_chaplot_doom_vec(num_envs=0)
    with pytest.raises(ConfigurationError, match="positive"):
        DoomTimeouts(step_s=0)
    env.reset(seed=0)
    for action in (3, -1, [0], 0.5):
        with pytest.raises(ActionError):
            env.step(action)  # type: ignore[arg-type]


def test_missing_simulator_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("vizdoom", "omg"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            with pytest.raises(
                MissingSimulatorError, match=r"^\w+ is not installed: pip install 'groundling\[doom\]'$"
            ):
                ChaplotDoomEnv()
    assert issubclass(MissingSimulatorError, GroundlingError)


# --- failures ---------------------------------------------------------------------------------------------------------


@needs_vizdoom
def test_crash_is_told_and_the_engine_restarted_at_most_once_a_minute(
    env: ChaplotDoomEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = []
    before, _ = env.reset(seed=0)
    for expected in ("running", "running"):
        groups.append(env.engine_process_id)
        os.kill(engine_of(env), signal.SIGKILL)
        with pytest.raises(EngineCrashError, match="crash"):
            env.step(FORWARD)
        assert env.engine_process_id is None
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(FORWARD)
        if expected == "running" and len(groups) == 1:
            after, _ = env.reset(seed=0)
            assert np.array_equal(after["image"], before["image"])
    with pytest.raises(EngineRestartError, match="at most once in 60 s"):
        env.reset(seed=0)
    for group in groups:
        assert group is not None
        assert_all_gone(group)
    now = time.monotonic()
    monkeypatch.setattr(doom.time, "monotonic", lambda: now + 61)
    env.reset(seed=0)


@needs_vizdoom
def test_death_of_the_worker_is_told(env: ChaplotDoomEnv) -> None:
    env.reset(seed=0)
    group = env.engine_process_id
    assert group is not None
    shared = shared_memory_of(group)
    assert shared
    assert all(path.exists() for path in shared)
    os.kill(group, signal.SIGSEGV)
    with pytest.raises(EngineCrashError, match="SIGSEGV"):
        env.step(FORWARD)
    assert_all_gone(group)
    assert not any(path.exists() for path in shared)


@needs_vizdoom
@pytest.mark.parametrize("stopped", ["engine", "worker"])
def test_hanging_engine_is_ended(stopped: str) -> None:
    env = ChaplotDoomEnv("easy", timeouts=DoomTimeouts(step_s=1.0))
    env.reset(seed=0)
    group = env.engine_process_id
    assert group is not None
    os.kill(engine_of(env) if stopped == "engine" else group, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(EngineHangError, match="within 1 s"):
        env.step(FORWARD)
    assert time.monotonic() - started < 8
    assert_all_gone(group)
    env.close()


@needs_vizdoom
def test_bad_map_and_unknown_actor_are_refused() -> None:
    def engine() -> DoomEngine:
        return DoomEngine(160, 120, math.pi / 2, DoomTimeouts())

    bad = engine()
    with pytest.raises(EngineRejectionError, match="Expected '='"):
        bad.begin("vertex {{{ garbage", (), 1)
    assert_all_gone(bad.process_id)
    with pytest.raises(EngineCrashError, match="ended"):
        bad.step(FORWARD)
    unknown = engine()
    actors = [PlacedActor(DoomActor("Unicorn", 29999), 200, 200)]
    with pytest.raises(EngineRejectionError, match="missing Unicorn, instead Unknown"):
        unknown.begin(doom_maps.room_map(actors, position_of((2, 2)), angle_deg=0), actors, 1)
    assert_all_gone(unknown.process_id)


@needs_vizdoom
def test_recovering_environment_truncates_the_episode_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    env = ChaplotDoomEnv("easy", recover=True)
    try:
        first, _ = env.reset(seed=0)
        os.kill(engine_of(env), signal.SIGKILL)
        observation, reward, terminated, truncated, info = env.step(FORWARD)
        assert "cut short" in caplog.text
        assert (reward, terminated, truncated, info["success"]) == (0.0, False, True, False)
        assert "crash" in info["engine_error"]
        assert np.array_equal(observation["image"], first["image"])
        env.reset()
        env.step(FORWARD)
        os.kill(engine_of(env), signal.SIGKILL)
        with pytest.raises(EngineRestartError):
            env.reset()
        assert "started again" in caplog.text
    finally:
        env.close()


@needs_vizdoom
@pytest.mark.parametrize("ending", ["close", "forgotten"])
def test_closing_or_forgetting_an_environment_ends_its_processes(ending: str) -> None:
    env = ChaplotDoomEnv("easy")
    env.reset(seed=0)
    group = env.engine_process_id
    assert group is not None
    assert len(members(group)) == 2
    if ending == "close":
        env.close()
        env.close()
    else:
        del env
    assert_all_gone(group)


@needs_vizdoom
@pytest.mark.slow
@pytest.mark.parametrize("ending", ["killed", "exits"])
def test_engine_ends_with_the_process_that_started_it(ending: str) -> None:
    program = (
        "import time; from groundling.envs.simulators.doom import ChaplotDoomEnv; env = ChaplotDoomEnv('easy'); "
        f"env.reset(seed=0); print(env.engine_process_id, flush=True); time.sleep({60 if ending == 'killed' else 0})"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        shared = set()
        if ending == "killed":
            shared = shared_memory_of(group)
            assert shared
            parent.kill()
    assert_all_gone(group)
    assert not any(path.exists() for path in shared)


@needs_vizdoom
def test_answer_that_nobody_waited_for_is_not_taken_for_the_next(env: ChaplotDoomEnv) -> None:
    first, _ = env.reset(seed=0)
    env.ask_for_step(FORWARD)  # as in a vector that another engine's failure has stopped
    again, _ = env.reset(seed=0)
    assert np.array_equal(first["image"], again["image"])
    assert env.step(LEFT)[4]["success"] is False


@needs_vizdoom
def test_engine_that_does_not_start_is_told_when_it_is_asked(
    env: ChaplotDoomEnv, caplog: pytest.LogCaptureFixture
) -> None:
    env.start()
    group = env.engine_process_id
    assert group is not None
    os.killpg(group, signal.SIGKILL)
    with pytest.raises(EngineCrashError, match="SIGKILL"):
        env.reset(seed=0)
    recovering = ChaplotDoomEnv("easy", recover=True)
    recovering.start()
    assert recovering.engine_process_id is not None
    os.killpg(recovering.engine_process_id, signal.SIGKILL)
    recovering.reset(seed=0)
    assert "started again" in caplog.text
    recovering.close()
