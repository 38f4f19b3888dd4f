"""First-person speed: steps with a frame each a second of Groundling's rover, MiniWorld and ViZDoom, on one core.

    python benchmarks/render_speed.py [--core 1] [--rounds 9] [--output benchmarks/results/render_speed.json]

The same work for all: an action, the world's rules, an episode's end and the next one's start, and one RGB frame. Ours
is a batch of rovers that drive about a furnished room (eight objects) at random; MiniWorld (pip install miniworld;
headless pyglet, which needs an EGL library such as Mesa's: apt-get install libegl1 libgl1-mesa-dri libglu1-mesa) its
room with a box; ViZDoom (pip install vizdoom) its basic scenario without a HUD. ViZDoom's smallest picture is
160 x 120: it is compared as it comes, without the time that making it 64 x 64 would take. In each round all are
measured one after the other, bound to one core, and ratios are taken within the round; medians are reported.

The last line is a JSON object: ``ratio_miniworld`` and ``ratio_vizdoom`` at 64 x 64, ``ratio_vizdoom_160x120``, and
``senses_cost``, the time of a step with depth and segmentation as well over that with colors alone, by size. A peer
that is not installed is left out, with a note.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch

from groundling import make_vec
from groundling.envs.first_person import Camera, FirstPersonRenderer
from groundling.eval.speed import steps_per_second
from groundling.files import write_text

SIZES = ((64, 64), (84, 84), (160, 120))
ACTIONS = 3  # left, right, forward
Measure = Callable[[], float]


@dataclass(frozen=True)
class Options:
    """Measure first-person speed.

    Attributes:
        task: id of the level that is driven through.
        num_envs: rovers side by side.
        core: the processor that everything is bound to; by default the last one allowed.
        rounds: how often everything is measured.
        seconds: of each measurement.
        output: JSON file for the results.
    """

    task: str = "BabyAI-GoToLocal-v0"
    num_envs: int = 64
    core: int | None = None
    rounds: int = 9
    seconds: float = 0.5
    output: Path | None = None


def groundling_step(options: Options, camera: Camera) -> Callable[[], int]:
    """Steps of the vector environment, copies of the observations included."""
    envs = make_vec(options.task, options.num_envs, body="rover", camera=camera, bank_size=256, progress=False)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, ACTIONS, (64, options.num_envs))
    count = 0

    def step() -> int:
        nonlocal count
        envs.step(actions[count % len(actions)])
        count += 1
        return options.num_envs

    return step


def renderer_step(options: Options, camera: Camera) -> Callable[[], int]:
    """Frames of the renderer alone, of rovers that turn where their episodes begin."""
    envs = make_vec(options.task, options.num_envs, body="rover", camera=camera, bank_size=256, progress=False)
    envs.reset(seed=0)
    worlds: Any = envs.worlds
    renderer = FirstPersonRenderer(camera)
    views = renderer.make_views(options.num_envs)
    styles = np.zeros(options.num_envs, dtype=np.uint64)

    def step() -> int:
        worlds.poses.heading[:] += 0.26
        renderer.draw(worlds.state, worlds.poses, worlds.width, styles, views, 0, options.num_envs)
        return options.num_envs

    return step


def miniworld_step(width: int, height: int) -> Callable[[], int]:
    """Steps of MiniWorld's room."""
    import pyglet

    pyglet.options["headless"] = True
    import gymnasium
    import miniworld  # noqa: F401 - registers its environments

    env = gymnasium.make("MiniWorld-OneRoom-v0", obs_width=width, obs_height=height, disable_env_checker=True)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, ACTIONS, 4096)
    count = 0

    def step() -> int:
        nonlocal count
        frame, _, terminated, truncated, _ = env.step(int(actions[count % len(actions)]))
        assert frame.shape == (height, width, 3)
        count += 1
        if terminated or truncated:
            env.reset()
        return 1

    return step


def vizdoom_step(folder: Path, engines: contextlib.ExitStack) -> Callable[[], int]:
    """Steps of ViZDoom's basic scenario at its smallest picture, one tic and one frame each.

    Args:
        folder: where the engine writes its settings.
        engines: closes it.
    """
    import vizdoom

    game = vizdoom.DoomGame()
    game.load_config(str(Path(vizdoom.scenarios_path) / "basic.cfg"))
    game.set_doom_config_path(str(folder / "_vizdoom.ini"))
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_render_hud(False)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_available_buttons([vizdoom.Button.TURN_LEFT, vizdoom.Button.TURN_RIGHT, vizdoom.Button.MOVE_FORWARD])
    game.init()
    engines.callback(game.close)
    buttons = np.eye(ACTIONS, dtype=int).tolist()
    actions = np.random.default_rng(0).integers(0, ACTIONS, 4096)
    count = 0

    def step() -> int:
        nonlocal count
        if game.is_episode_finished():
            game.new_episode()
        game.make_action(buttons[actions[count % len(actions)]])
        state = game.get_state()
        if state is not None:
            assert state.screen_buffer.shape == (120, 160, 3)
        count += 1
        return 1

    return step


def peers(folder: Path, engines: contextlib.ExitStack) -> tuple[dict[str, Callable[[], int]], dict[str, str]]:
    """The steps of the peers that can be made here, and why others cannot."""
    makers: dict[str, Callable[[], Callable[[], int]]] = {
        **{f"miniworld {width}x{height}": partial(miniworld_step, width, height) for width, height in SIZES},
        "vizdoom 160x120": partial(vizdoom_step, folder, engines),
    }
    made, missing = {}, {}
    for name, make in makers.items():
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                made[name] = make()
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}"
            print(f"{name} is left out: {missing[name]}", file=sys.stderr)
    return made, missing


def versions() -> dict[str, str]:
    found = {}
    for package in ("miniworld", "pyglet", "vizdoom"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def main(options: Options) -> None:
    core = max(os.sched_getaffinity(0)) if options.core is None else options.core
    os.sched_setaffinity(0, {core})
    steps: dict[str, Callable[[], int]] = {}
    for width, height in SIZES:
        size = f"{width}x{height}"
        plain = Camera(width=width, height=height)
        full = Camera(width=width, height=height, depth=True, segmentation=True)
        steps[f"groundling {size}"] = groundling_step(options, plain)
        steps[f"groundling {size}, depth and segmentation"] = groundling_step(options, full)
        steps[f"groundling {size}, renderer alone"] = renderer_step(options, plain)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as engines:
        others, missing = peers(Path(folder), engines)
        steps |= others
        speeds: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(options.rounds):
            for name, step in steps.items():
                speeds[name].append(steps_per_second(step, seconds=options.seconds))

    def ratio(one: str, other: str) -> float | None:
        if other not in speeds:
            return None
        return statistics.median(a / b for a, b in zip(speeds[one], speeds[other], strict=True))

    print(f"{options.task}, {options.num_envs} rovers, one core: {options.rounds} rounds, median (lowest to highest)")
    print(f"{'with a frame each':<46} {'steps a second':>34}")
    for name, values in speeds.items():
        told = f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"
        print(f"{name:<46} {told:>34}")
    results = {
        "ratio_miniworld": ratio("groundling 64x64", "miniworld 64x64"),
        "ratio_vizdoom": ratio("groundling 64x64", "vizdoom 160x120"),
        "ratio_vizdoom_160x120": ratio("groundling 160x120", "vizdoom 160x120"),
        "senses_cost": {
            f"{width}x{height}": ratio(
                f"groundling {width}x{height}", f"groundling {width}x{height}, depth and segmentation"
            )
            for width, height in SIZES
        },
        "steps_per_second": {name: round(statistics.median(values)) for name, values in speeds.items()},
        "left_out": missing,
        "versions": versions(),
        "task": options.task,
        "num_envs": options.num_envs,
        "rounds": options.rounds,
    }
    if options.output is not None:
        write_text(options.output, json.dumps(results, indent=1) + "\n")
    print(json.dumps(results))


if __name__ == "__main__":
    launch(main, Options, __doc__)
