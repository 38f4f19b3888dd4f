"""Exports for Habitat played there: how closely its pictures are ours, and whether everything can be done.

    python benchmarks/habitat_play.py --python PYTHON [--rows ...] [--output benchmarks/results/habitat.json]

PYTHON is an interpreter that has habitat-sim, or one whose habitat_sim is the stand-in of tests/envs/habitat/stand_in;
rows say which. Rows:

``pose_agreement``: share of pixels whose segmentation is our renderer's, over 100 poses of 20 exported houses; the
interval is that of the poses' worst and best. In its file also the shares of depths that are within 1 mm and 1 cm.
``expert_NAME``: share of 200 episodes of a format that the expert plays to success by the path finder.
``play_TASK``: the same of episodes of a task of ours, judged by our own rules.
``killed_workers``: steps of training-like play while a worker is killed 20 times; the share of kills after which all
environments went on.
``killed_training``: the same of a run of PPO: the share of kills after which it went on training.
``ppo``: a run of PPO in an exported task through the whole pipeline; success of its last episodes, and of an agent
that acts at random there as the floor.
``transfer``: success in Habitat of an agent that was trained in our own renderer, beside the same episodes there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch
from runs import keep_rows

from groundling.agents.bots.path_expert import PathFinderExpert
from groundling.agents.config import AgentConfig
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.sources import find_source
from groundling.envs.catalog import find_family
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.families.base import EnvFamily
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.files import write_episodes
from groundling.envs.families.habitat.export.exporting import export_houses
from groundling.envs.families.habitat.playing.family import HabitatFileFamily
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.eval.runs import evaluate_run, load_checkpoint
from groundling.eval.statistics import wilson_interval
from groundling.interruption import Interrupted
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.logs import read_metrics

HOUSES = "groundling/FurnishedHouseBringSmall-v0"
KILL_TASK = "groundling/RoomGoTo-v0"
PPO_TASK = "BabyAI-GoToObj-v0"  # one object in a small room: what PPO learns in 20,000 frames
POSES, POSE_HOUSES, KILLS = 100, 20, 20
KILL_EVERY_S = 6.5  # three deaths of one of four workers in a minute are its last
PPO_EVALUATED = 50  # episodes after the run


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        python: interpreter of the simulators.
        simulator: what it has: "stand-in" or the version of habitat-sim.
        episodes: of each row.
        envs: simulators side by side.
        export: folder of an export of houses with episodes that was made before; by default one is made.
        run: of the row transfer, the folder of a run; it is evaluated on the task that it was trained on.
        minutes: of the row ppo; of each row of experts, at most: it then counts the episodes that were played.
        first: the episode from which experts begin; a row in the output that ends there is gone on with.
        rows: which rows are measured.
        output: file of the rows; those of other keys that it holds are kept.
    """

    python: str
    simulator: str = "stand-in"
    episodes: int = 200
    envs: int = 2
    export: Path | None = None
    run: Path | None = None
    minutes: float = 5.0
    first: int = 0
    rows: tuple[str, ...] = ("pose_agreement", "expert_objectnav", "expert_eqa", "expert_rearrange")
    output: Path | None = None


def main(options: Options) -> None:
    """Measure the rows that are asked for."""
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        raise ConfigurationError(f"there is no row {unknown[0]}: choose among {', '.join(ROWS)}")
    for name in options.rows:
        begun = time.perf_counter()
        one = replace(options, rows=(name,))
        told = {
            "key": name,
            "seeds": 1,
            "frames": 0,
            "floor": None,
            "ceiling": None,
            "simulator": options.simulator,
            "command": command_of(one),
            **ROWS[name](one),
            "minutes": round((time.perf_counter() - begun) / 60, 2),
        }
        print({key: value for key, value in told.items() if key != "command"}, flush=True)
        keep_rows([told], options.output)


def command_of(options: Options) -> str:
    """The command that measures a row."""
    given = [f" --{name} {getattr(options, name):g}" for name in ("episodes", "minutes") if is_given(options, name)]
    run = " --run RUN" if options.run is not None else ""
    return f"python benchmarks/habitat_play.py --python PYTHON --rows {options.rows[0]}{run}{''.join(given)}"


def is_given(options: Options, name: str) -> bool:
    """Whether an option is not what it is by default."""
    return bool(getattr(options, name) != getattr(Options, name))


def exported(options: Options, task: str, formats: tuple[str, ...], count: int, folder: Path) -> Path:
    """An export of a task."""
    if options.export is not None:
        return options.export
    source = find_source(task)
    bank = build_bank(source, count, split="train", progress=False)
    export = export_houses(bank, source.embodiment.lexicon, folder / "export", task=task, split="train")
    for name in formats:
        write_episodes(export.folder, export.houses, kinds_of(source.embodiment.lexicon), name, "train")
    return folder / "export"


def in_habitat(options: Options, place: Path) -> EnvFamily:
    """The family of an export or a file of episodes."""
    return find_family(f"habitat:{place}?python={options.python}&envs={options.envs}")


def share(successes: int, count: int) -> dict[str, Any]:
    """A rate with its interval."""
    low, high = wilson_interval(successes, count)
    return {"mean": successes / count, "low": low, "high": high, "episodes": count}


def pose_agreement(options: Options) -> dict[str, Any]:
    """See the module's docstring."""
    camera = Camera(width=64, height=64, horizon=0.5, depth=True, segmentation=True, standing=True)
    world = WorldOptions(body="rover", camera=camera)
    rng = np.random.default_rng(0)
    same, near, nearer = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        family = in_habitat(options, exported(options, HOUSES, (), POSE_HOUSES, Path(folder)))
        pair = [family.episodes(suite, None, POSE_HOUSES, 0, world).make_envs(1) for suite in ("transfer", "native")]
        try:
            for _ in range(POSE_HOUSES):
                there, here = (envs.reset()[0] for envs in pair)
                for _ in range(POSES // POSE_HOUSES):
                    for action in [rng.integers(0, 2)] * int(rng.integers(1, 8)):
                        there, here = (envs.step(np.array([action]))[0] for envs in pair)
                    same.append(float(np.mean(there["segmentation"] == here["segmentation"])))
                    off = np.abs(there["depth"] - here["depth"])
                    near.append(float(np.mean(off <= 0.01)))
                    nearer.append(float(np.mean(off <= 0.001)))
        finally:
            for envs in pair:
                envs.close()
    return {
        "row": f"share of pixels with our renderer's object, {len(same)} poses of {POSE_HOUSES} houses",
        "mean": float(np.mean(same)),
        "low": min(same),
        "high": max(same),
        "ceiling": 1.0,
        "poses": len(same),
        "depth_within_1_cm": float(np.mean(near)),
        "depth_within_1_mm": float(np.mean(nearer)),
    }


def played_by_expert(options: Options, family: EnvFamily, suite: str) -> dict[str, Any]:
    """How many of the episodes of a suite the expert plays to success, and in how many steps.

    Each environment plays its episodes in their order; where time is up, those that are under way do not count.
    """
    begun = time.perf_counter()
    episodes = family.episodes(suite, None, options.episodes, 0)
    envs = episodes.make_envs(min(episodes.count, episodes.most_envs))
    try:
        envs.reset()
        worlds = getattr(envs, "worlds", None)
        expert = family.expert(envs) or PathFinderExpert(worlds)  # type: ignore[arg-type]
        left = [len(range(b, episodes.count, envs.num_envs)) for b in range(envs.num_envs)]
        successes, count, steps, total = 0, 0, [], 0
        while any(left) and time.perf_counter() - begun < 60 * options.minutes:
            _, _, terminated, truncated, info = envs.step(np.array(expert.actions()))
            total += envs.num_envs
            for b in np.flatnonzero(terminated | truncated).tolist():
                if left[b]:
                    left[b] -= 1
                    count += 1
                    is_success = bool(info["final_info"]["success"][b])
                    successes += is_success
                    steps += [int(info["final_info"]["episode"]["l"][b])] if is_success else []
        return gone_on_with(options, successes, count, steps, total)
    finally:
        envs.close()


def gone_on_with(options: Options, successes: int, count: int, steps: list[int], frames: int) -> dict[str, Any]:
    """A row of these episodes and of those before them, which the output may hold."""
    (name,) = options.rows
    held = json.loads(options.output.read_text())["rows"] if options.output and options.output.exists() else []
    for row in held if options.first else []:
        if row["key"] == name and row["episodes"] == options.first:
            steps = [*steps, *[row["steps"]] * row["successes"]]
            successes, count, frames = successes + row["successes"], count + row["episodes"], frames + row["frames"]
    told = {"successes": successes, "frames": frames, "ceiling": 1.0, "steps": float(np.mean(steps)) if steps else None}
    return {**share(successes, count), **told}


def expert_of_format(options: Options, format: str) -> dict[str, Any]:
    """See the module's docstring."""
    with tempfile.TemporaryDirectory() as folder:
        export = exported(options, HOUSES, (format,), options.episodes, Path(folder))
        family = in_habitat(options, layout.episodes_file(export, format, "train"))
        if isinstance(family, HabitatFileFamily) and options.first:
            family.file = replace(family.file, episodes=family.file.episodes[options.first :])
        found = played_by_expert(options, family, "episodes")
    return {"row": f"success of the expert by path finder, {format}, {found['episodes']} episodes", **found}


def expert_of_task(options: Options, task: str) -> dict[str, Any]:
    """See the module's docstring."""
    with tempfile.TemporaryDirectory() as folder:
        family = in_habitat(options, exported(options, task, (), options.episodes, Path(folder)))
        found = played_by_expert(options, family, "transfer")
    return {"row": f"success of the expert by our rules, {task}, {found['episodes']} episodes", **found}


def killed_workers(options: Options) -> dict[str, Any]:
    """See the module's docstring."""
    went_on, frames = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        family = in_habitat(options, exported(options, KILL_TASK, (), 20, Path(folder)))
        count = max(options.envs, 4)
        envs: Any = family.make_vec("train", count, 0)
        rng = np.random.default_rng(0)
        try:
            envs.reset(seed=0)
            for number in range(KILLS):
                victim = number % count
                while time.monotonic() - max([0.0, *envs.worlds.pool._workers[victim].deaths[-3:-2]]) < 61:
                    envs.step(rng.integers(0, 7, count))  # three deaths of one worker in a minute are its last
                    frames += count
                os.kill(envs.worlds.pool.processes()[victim], signal.SIGKILL)
                was_cut_off = False
                for _ in range(6):  # it is noticed by the next move
                    seen, _, _, truncated, _ = envs.step(rng.integers(0, 3, count))
                    was_cut_off |= bool(truncated[victim])
                    frames += count
                went_on += was_cut_off and bool(seen["image"][victim].any())
        finally:
            envs.close()
    told = f"workers killed (kill -9) after which play went on, of {KILLS}"
    return {"row": told, **share(went_on, KILLS), "frames": frames}


def ppo_config(options: Options, export: Path, **changes: Any) -> TrainConfig:
    """Of a run of PPO in an export."""
    config = TrainConfig(
        task=f"habitat:{export}?envs={options.envs}",
        simulator_python=options.python,
        camera=Camera(width=40, height=40, horizon=0.425),
        agent=AgentConfig(vision="cnn"),
        num_envs=8,
        total_frames=1_000_000,
        evaluate_every=0,
        settings=(PPOConfig(num_steps=32, minibatch_size=64, learning_rate=1e-3, num_epochs=2, entropy_coef=0.01),),
    )
    return replace(config, **changes)


def ppo(options: Options) -> dict[str, Any]:
    """See the module's docstring."""
    with tempfile.TemporaryDirectory() as folder:
        export = exported(options, PPO_TASK, (), 200, Path(folder))
        run = Path(folder) / "run"
        trainer = Trainer(ppo_config(options, export), run)
        timer = threading.Timer(60 * options.minutes, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        with contextlib.suppress(Interrupted):
            trainer.run()
        timer.cancel()
        rows = read_metrics(run)
        last = rows[3 * len(rows) // 4 :]
        rates = [row["success"] for row in last if row.get("success") == row.get("success")]
        report = evaluate_run(run, ["transfer"], episodes=PPO_EVALUATED, progress=False, trust_code=True)
    trained, random = (report.results["transfer"][name] for name in ("trained", "random"))
    return {
        "row": f"success of a run of PPO in Habitat, {PPO_TASK}, {options.minutes:g} minutes, then {PPO_EVALUATED} "
        "episodes",
        **share(trained.successes, trained.episodes),
        "floor": random.success,
        "frames": int(rows[-1]["frames"]),
        "updates": len(rows),
        "last_quarter": float(np.mean(rates)) if rates else None,
        "steps": trained.mean_length,
        "steps_random": random.mean_length,
    }


def killed_training(options: Options) -> dict[str, Any]:
    """See the module's docstring."""
    with tempfile.TemporaryDirectory() as folder:
        export = exported(options, KILL_TASK, (), 20, Path(folder))
        config = ppo_config(options, export, num_envs=4)
        trainer = Trainer(config, Path(folder) / "run")
        pool = trainer.envs.unwrapped.worlds.pool
        killed: list[int] = []  # updates that were done when a worker was killed
        is_over = threading.Event()

        def kill() -> None:
            while len(killed) < KILLS and not is_over.wait(KILL_EVERY_S):
                os.kill(pool.processes()[len(killed) % config.num_envs], signal.SIGKILL)
                killed.append(len(read_metrics(Path(folder) / "run")))
            if not is_over.wait(KILL_EVERY_S):
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        try:
            with contextlib.suppress(Interrupted):
                trainer.run()
        finally:
            is_over.set()
            thread.join()
        rows = read_metrics(Path(folder) / "run")
    went_on = sum(len(rows) > updates for updates in killed)
    told = f"workers killed (kill -9) after which a run of PPO went on, of {len(killed)}"
    counts = {"restarts": pool.restarts, "updates": len(rows), "frames": int(rows[-1]["frames"])}
    return {"row": told, **share(went_on, len(killed)), **counts}


def transfer(options: Options) -> dict[str, Any]:
    """See the module's docstring."""
    if options.run is None:
        raise ConfigurationError("the row transfer needs a run that was trained in our own renderer: --run RUN")
    (task,) = load_checkpoint(options.run).config.task_ids
    with tempfile.TemporaryDirectory() as folder:
        export = exported(options, task, (), options.episodes, Path(folder))
        report = evaluate_run(
            options.run,
            episodes=options.episodes,
            progress=False,
            task=f"habitat:{export}?envs={options.envs}",
            simulator_python=options.python,
        )
    there, here = report.results["transfer"], report.results["native"]
    trained = there["trained"]
    return {
        "row": f"success in Habitat of an agent of our own renderer, {task}, {trained.episodes} episodes",
        **share(trained.successes, trained.episodes),
        "floor": there["random"].success,
        "ceiling": here["trained"].success,
        "shuffled": there["shuffled"].success if "shuffled" in there else None,
        "trained_frames": load_checkpoint(options.run).frames,
    }


ROWS: dict[str, Callable[[Options], dict[str, Any]]] = {
    "pose_agreement": pose_agreement,
    **{f"expert_{name}": partial(expert_of_format, format=name) for name in layout.FORMATS},
    "play_go_to": partial(expert_of_task, task="groundling/FurnishedHouseGoToSmall-v0"),
    "play_put_next": partial(expert_of_task, task="groundling/FurnishedHousePutNextSmall-v0"),
    "play_doors": partial(expert_of_task, task="groundling/HouseCarry-v0"),
    "play_questions": partial(expert_of_task, task="groundling/Questions-Near-v0"),
    "killed_workers": killed_workers,
    "killed_training": killed_training,
    "ppo": ppo,
    "transfer": transfer,
}


if __name__ == "__main__":
    launch(main, Options, __doc__)
