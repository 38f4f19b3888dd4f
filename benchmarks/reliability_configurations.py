"""Configurations: settings of any type and size become a run that can be saved, or are refused by name.

Each changes one to three settings of a small run to values that are right, wrong, or of another type, in one of three
ways: in Python, as a run's config.json, and on the command line. What is accepted has to come back from its JSON the
same; of these, some are trained for an update and their checkpoint is read.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from reliability_kinds import Grade, Kind, Outcome, within

from groundling.agents import AgentConfig
from groundling.cli import parse
from groundling.cli.options import config_of
from groundling.errors import GroundlingError
from groundling.training import Checkpoint, ImitationConfig, PPOConfig, TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME

TRIALS: Final = 2_000
LONGEST_S: Final = 60
TRAINED: Final = 25  # one in so many of those that are accepted
PYTHON, FILE, COMMAND = "in Python", "in a file", "on the command line"
WAYS: Final = (PYTHON, FILE, PYTHON, FILE, COMMAND)
MOST_FRAMES: Final = 4096  # of an update that is trained
HOSTILE: Final[tuple[Any, ...]] = (
    *(math.nan, math.inf, -math.inf, -1, 0, 10**30, -(10**30), 1e-300, 2.5, "", "x", "3", "nan", None, True, False),
    *(b"x", [], (), {}, [1], ("a",), "\0", "../..", "[bold]", "é", object(), Path("x"), 3 + 0j),
    *(np.int64(3), np.float32(0.5), np.uint8(0), np.array([1, 2]), np.array(3), np.nan, np.True_, np.str_("ppo")),
)
RIGHT: Final[dict[str, tuple[Any, ...]]] = {
    "algorithm": ("ppo", "a2c", "bc", "dagger", "grpo", "rloo"),
    "task": ("BabyAI-GoToObjS4-v0", "BabyAI-GoToObj-v0", "groundling/Count-v0", "groundling/Location-v0"),
    "body": ("grid", "rover", "own"),
    "reward": (("environment",), ("environment", "rubric"), ("distance",), ("agile",)),
    "reward_weights": ((), (2.0,), (1.0, 0.5)),
    "precision": ("float32", "bfloat16"),
    "tasks": ((), ("BabyAI-GoToObjS4-v0", "BabyAI-GoToObj-v0")),
    "device": ("cpu", "cuda:99", "warp"),
    "agent.vision": ("symbolic", "cnn", "convolved", "chaplot"),
    "agent.fusion": ("attribute_gated", "gated", "film", "concat", "cross_attention"),
    "agent.language": ("positional", "bow", "gru", "contextual", "transformer"),
    "agent.memory": ("none", "gru", "lstm"),
    "curriculum.kind": ("uniform", "stages", "progress", "failures"),
    "held_out.factors": ((), ("combination",), ("verb_object", "length")),
}


def base() -> TrainConfig:
    """The run that is changed."""
    sizes: Any = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}
    agent = AgentConfig(**sizes)
    ppo, imitation = PPOConfig(num_steps=4, minibatch_size=8), ImitationConfig(num_steps=4, minibatch_size=8)
    return TrainConfig(
        task="BabyAI-GoToObjS4-v0", total_frames=32, num_envs=8, bank_size=16, agent=agent, settings=(ppo, imitation)
    )


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """The values of every setting by its dotted name."""
    found: dict[str, Any] = {}

    def walk(values: dict[str, Any], before: str) -> None:
        for name, value in values.items():
            if isinstance(value, dict):
                walk(value, f"{before}{name}.")
            else:
                found[before + name] = value

    walk(config.to_dict(), "")
    return {name: value for name, value in found.items() if name.split(".")[0] not in ("made_by", "sb3")}


def drawn_value(name: str, old: Any, rng: np.random.Generator) -> Any:
    """Another value: a right one, one near the old one, or any."""
    kind = rng.integers(3)
    if kind == 0 and name in RIGHT:
        return RIGHT[name][rng.integers(len(RIGHT[name]))]
    if kind < 2 and isinstance(old, bool):
        return not old
    if kind < 2 and isinstance(old, int | float):
        return type(old)(old * rng.choice([0.5, 1, 2, 3]) + rng.choice([0, 1]))
    return HOSTILE[rng.integers(len(HOSTILE))]


def in_python(changes: dict[str, Any]) -> TrainConfig:
    """The configuration, made of dataclasses."""
    config = base()
    own = {name: value for name, value in changes.items() if "." not in name}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        if "." in name:
            first, *_, last = name.split(".")  # agent.settings.symbolic.cell_dim is AgentConfig(cell_dim=...)
            inner.setdefault(first, {})[last] = value
    parts: dict[str, Any] = {
        "agent": config.agent,
        "camera": config.camera,
        "held_out": config.held_out,
        "curriculum": config.curriculum,
    }
    parts |= {"ppo": config.settings_of(PPOConfig), "imitation": config.settings_of(ImitationConfig)}
    for first, values in inner.items():
        if first == "agent":
            known = {f.name: getattr(config.agent, f.name) for f in dataclasses.fields(AgentConfig)}
            known |= {"cell_dim": 6, "readout_dim": 3}
            own[first] = AgentConfig(**{**known, "settings": (), **values})
        elif first in parts and not {"pixel_noise", "lighting", "textures", "colors"} & set(values):
            own[first] = dataclasses.replace(parts[first], **values)
    return dataclasses.replace(config, **own)


def in_a_file(changes: dict[str, Any]) -> TrainConfig:
    """The configuration, read from what config.json would hold."""
    values = base().to_dict()
    for name, value in changes.items():
        *path, last = name.split(".")
        table = values
        for key in path:
            table = table[key]
        table[last] = value
    return TrainConfig.from_json(json.dumps(values, default=str))


def on_the_command_line(changes: dict[str, Any]) -> TrainConfig:
    """The configuration of ``groundling train`` with these options."""
    words = ["--num-envs", "8", "--total-frames", "32", "--bank-size", "16"]
    words += ["--ppo.num-steps", "4", "--ppo.minibatch-size", "8"]
    for name, value in changes.items():
        path = name.split(".")
        option = "--" + ".".join(dict.fromkeys((path[0], path[-1])))
        several = value if isinstance(value, list | tuple) else [value]
        if isinstance(value, bool):
            words.append(option.replace("--", "--no-", 1) if not value and "." not in name else option)
        else:
            words += [option.replace("_", "-"), *map(str, several)]
    command = parse("train", words)
    return config_of(command.options, command.parts)


MAKERS: Final = {PYTHON: in_python, FILE: in_a_file, COMMAND: on_the_command_line}


def one_trial(number: int, rng: np.random.Generator, known: dict[str, Any], folder: Path) -> Outcome:
    """One configuration."""
    names = rng.choice(list(known), size=rng.integers(1, 4), replace=False)
    changes = {str(name): drawn_value(str(name), known[str(name)], rng) for name in names}
    way = WAYS[number % len(WAYS)]
    told = f"{way}: {', '.join(f'{name}={value!r:.40}' for name, value in changes.items())}"
    try:
        config = MAKERS[way](changes)
    except GroundlingError as error:
        if len(str(error)) > 1000:
            return Outcome(Grade.WRONG_ERROR, f"{told}: {len(str(error))} letters")
        return Outcome(Grade.REFUSED, "refused in one line")
    except Exception as error:
        return Outcome(Grade.WRONG_ERROR, f"{told}: {type(error).__name__}: {' '.join(str(error).split())[:100]}")
    try:
        again = TrainConfig.from_json(config.to_json())
        frames = config.rollout_frames
    except Exception as error:
        return Outcome(Grade.WRONG_RESULT, f"{told}: then {type(error).__name__}: {' '.join(str(error).split())[:100]}")
    if again != config:
        return Outcome(Grade.WRONG_RESULT, f"{told}: comes back as another one")
    if number % TRAINED == 0 and frames <= MOST_FRAMES and config.bank_size <= 64:
        return trained(config, told, folder / str(number))
    return Outcome(Grade.UNCHANGED, "accepted, and the same after saving")


def trained(config: TrainConfig, told: str, folder: Path) -> Outcome:
    """What an update of it comes to."""
    try:
        Trainer(config, folder).run(stop_after_updates=1)
        Checkpoint.load(folder / CHECKPOINT_NAME).make_agent()
    except GroundlingError:
        return Outcome(Grade.REFUSED, "refused when it was to be trained")
    except Exception as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        return Outcome(Grade.WRONG_ERROR, f"{told}: trained, {what}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(Grade.UNCHANGED, "trained for an update, and read back")


def try_configurations(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """See the module."""
    rng = np.random.default_rng(seed)
    trained(base(), "", folder / "first")  # compiles what is not compiled yet
    known = settings_of(base())
    for number in range(trials):
        yield within(LONGEST_S, partial(one_trial, number, rng, known, folder))


KINDS = (Kind("configurations", "one to three settings of any type and size", TRIALS, try_configurations),)
