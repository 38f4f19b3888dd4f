"""Hostile arrays: banks, demonstrations, saved states, poses and actions with values that no world can have.

Each trial changes a few numbers, a shape or a type of one array, and then plays what is left for some steps in a
process in which Numba checks every index (``NUMBA_BOUNDSCHECK=1``), with kernels compiled for that in a cache of their
own. It ends well if one line of ours refuses the arrays, or if they are played without leaving any array.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from reliability_kinds import Grade, Kind, Outcome

from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank
from groundling.envs.banks.sources import find_source
from groundling.envs.catalog import find_family
from groundling.envs.engine.embodiment import GRID
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import GroundlingError
from groundling.files import cache_folder
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.recording import record

LEVELS: Final = ("BabyAI-PutNextLocal-v0", "BabyAI-UnlockToUnlock-v0")
GAMES: Final = (
    "groundling/GridLU-Relations-v0",
    "groundling/RTFM-Groups-Moving-6x6-v0",
    "groundling/RockPaperScissors-6x6-v0",
    "groundling/Messenger-S2-v0",
)
EPISODES: Final = 6
STEPS: Final = 12
SECONDS: Final = 3600
HOSTILE: Final = (-(2**63), -(2**31), -(2**15), -300, -2, -1, 1, 2, 7, 63, 64, 66, 127, 128, 255, 256, 300, 2**15 - 1)
HUGE: Final = (2**16, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)

Try = Callable[[np.random.Generator], None]


def hostile(array: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """An array with some numbers changed, or of another shape or type."""
    kind = rng.integers(10)
    if kind == 0 and array.ndim:
        return array[tuple(slice(0, max(0, size - int(rng.integers(2)))) for size in array.shape)]
    if kind == 1:
        types = [dtype for dtype in ("uint8", "int16", "int32", "int64", "float64") if dtype != array.dtype]
        return array.astype(types[rng.integers(len(types))])
    changed = np.array(array)
    if not changed.size:
        return changed
    wanted = [*HOSTILE, *HUGE][rng.integers(len(HOSTILE) + len(HUGE))]
    if changed.dtype.kind == "f":
        value: Any = (np.nan, np.inf, -1e30, float(wanted))[rng.integers(4)]
    elif changed.dtype.kind == "b":
        value = True
    else:
        size = 8 * changed.dtype.itemsize
        value = np.array([wanted % 2**size], dtype=np.uint64).astype(f"uint{size}").view(changed.dtype)[0]
    places = changed.reshape(-1)
    places[rng.integers(places.size, size=int(rng.choice([1, 3, places.size])))] = value
    return changed


def play(worlds: Any, rng: np.random.Generator) -> None:
    """Some random steps, drawn in all ways."""
    for _ in range(STEPS):
        worlds.step(rng.integers(worlds.num_actions, size=worlds.num_envs))


class Trials:
    """What hostile arrays are tried on, made once.

    Args:
        only: kinds of trials; none takes all.
    """

    def __init__(self, only: tuple[str, ...] = ()) -> None:
        self.sources = [find_source(level) for level in LEVELS]
        self.banks = [EpisodeBank.of_seeds(level, range(EPISODES)) for level in LEVELS]
        self.demonstrations = record(LEVELS[0], EPISODES, progress=False)
        kinds: dict[str, Try] = {
            "bank": self.bank,
            "driven bank": self.driven_bank,
            "bank of an expert": self.solved_bank,
            "demonstrations": self.replay,
            "state": self.state,
            "rover state": self.rover_state,
            "expert state": self.expert_state,
            "game state": self.game_state,
            "poses": self.poses,
            "actions": self.actions,
        }
        self.kinds = {name: kinds[name] for name in only or kinds}
        self._envs: dict[str, Any] = {}
        for id in GAMES if "game state" in self.kinds else ():
            family = find_family(id)
            self._envs[id] = family.make_vec(family.split("train", None), EPISODES, 0)

    def of(self, number: int, seed: int) -> tuple[str, Try]:
        """The kind of a trial, by its number."""
        names = list(self.kinds)
        name = names[number % len(names)]
        return name, self.kinds[name]

    def bank(self, rng: np.random.Generator) -> None:
        """A bank that is walked through, with all senses."""
        changed, source = self._hostile_bank(rng)
        worlds = source.embodiment.changed(top_down_pixels=8, explored_radius=4).make_batch(changed, EPISODES)
        worlds.reset()
        play(worlds, rng)

    def driven_bank(self, rng: np.random.Generator) -> None:
        """A bank that is driven through."""
        changed, source = self._hostile_bank(rng)
        worlds = source.embodiment.changed("rover").make_batch(changed, EPISODES)
        worlds.reset()
        play(worlds, rng)

    def solved_bank(self, rng: np.random.Generator) -> None:
        """A bank that an expert solves."""
        worlds = WorldBatch(self._hostile_bank(rng)[0], EPISODES)
        worlds.reset()
        expert = Expert(worlds, sees="world")
        for _ in range(STEPS):
            worlds.step(expert.actions())

    def _hostile_bank(self, rng: np.random.Generator) -> tuple[EpisodeBank, Any]:
        """A bank with arrays of another, and its source."""
        row = int(rng.integers(len(self.banks)))
        bank = self.banks[row]
        arrays = bank._arrays()
        names = rng.choice(list(arrays), size=int(rng.choice([1, 2])), replace=False)
        changed: dict[str, Any] = {name: hostile(arrays[name], rng) for name in names}
        return replace(bank, **changed), self.sources[row]

    def replay(self, rng: np.random.Generator) -> None:
        """Demonstrations that are played again."""
        arrays = dict(self.demonstrations.arrays)
        name = str(rng.choice(list(arrays)))
        arrays[name] = hostile(arrays[name], rng)
        found = DemonstrationSet(self.demonstrations.provenance, arrays)
        list(found.replays())
        found.check()

    def state(self, rng: np.random.Generator) -> None:
        """A saved state of worlds that are walked through, with all senses."""
        source, bank = self.sources[0], self.banks[0]
        worlds = source.embodiment.changed(top_down_pixels=8, explored_radius=4, previous_action=True).make_batch(
            bank, EPISODES
        )
        self._resume(worlds, rng)

    def rover_state(self, rng: np.random.Generator) -> None:
        """A saved state of rovers."""
        self._resume(self.sources[0].embodiment.changed("rover").make_batch(self.banks[0], EPISODES), rng)

    def _resume(self, worlds: Any, rng: np.random.Generator) -> None:
        worlds.reset()
        play(worlds, rng)
        saved = worlds.state_dict()
        for name in rng.choice(list(saved), size=int(rng.choice([1, 2])), replace=False):
            saved[name] = hostile(saved[name], rng)
        worlds.load_state_dict(saved)
        play(worlds, rng)

    def expert_state(self, rng: np.random.Generator) -> None:
        """The saved plans of an expert."""
        worlds = GRID.make_batch(self.banks[1], EPISODES)
        worlds.reset()
        expert = Expert(worlds, sees=("world", "explored")[rng.integers(2)])
        worlds.step(expert.actions())
        saved = expert.state_dict()
        name = str(rng.choice(list(saved)))
        saved[name] = hostile(saved[name], rng)
        expert.load_state_dict(saved)
        for _ in range(STEPS):
            worlds.step(expert.actions())

    def game_state(self, rng: np.random.Generator) -> None:
        """A saved state of worlds with rules of their own."""
        envs = self._envs[GAMES[rng.integers(len(GAMES))]]
        envs.reset(seed=int(rng.integers(100)))
        saved = envs.state_dict()
        name = str(rng.choice(list(saved)))
        saved[name] = hostile(saved[name], rng)
        envs.load_state_dict(saved)
        for _ in range(STEPS):
            envs.step(rng.integers(envs.single_action_space.n, size=EPISODES))

    def poses(self, rng: np.random.Generator) -> None:
        """Worlds and poses that are given to the renderer."""
        worlds = self.sources[0].embodiment.changed("rover").make_batch(self.banks[0], EPISODES)
        assert isinstance(worlds, RoverBatch)
        worlds.reset()
        renderer = worlds._renderer
        views = renderer.make_views(EPISODES)
        parts: dict[str, Any] = {**worlds.state._asdict(), **worlds.poses._asdict(), "styles": worlds.styles}
        name = str(rng.choice(["x", "y", "heading", "styles", "cells", "looks", "contents", "carried", "step_count"]))
        parts[name] = hostile(parts[name], rng)
        state = worlds.state._replace(**{key: parts[key] for key in worlds.state._fields})
        poses = worlds.poses._replace(**{key: parts[key] for key in worlds.poses._fields})
        renderer.draw(state, poses, worlds.width, parts["styles"], views, 0, EPISODES)

    def actions(self, rng: np.random.Generator) -> None:
        """Actions that are none."""
        worlds = GRID.make_batch(self.banks[0], EPISODES)
        worlds.reset()
        worlds.step(hostile(rng.integers(worlds.num_actions, size=EPISODES), rng))
        play(worlds, rng)


def outcome_of(name: str, attempt: Try, rng: np.random.Generator) -> Outcome:
    """How one trial ends."""
    try:
        attempt(rng)
    except GroundlingError as error:
        is_line = "\n" not in str(error)
        return Outcome(Grade.REFUSED if is_line else Grade.WRONG_ERROR, "refused in one line of ours")
    except IndexError as error:
        return Outcome(Grade.CRASHED, f"{name}: an index beside its array ({error})")
    except Exception as error:
        return Outcome(Grade.WRONG_ERROR, f"{name}: {type(error).__name__}: {error}")
    return Outcome(Grade.UNCHANGED, "played within the arrays")


def serve(trials: int, seed: int, first: int, only: tuple[str, ...]) -> None:
    """Try, and print each outcome as a line of JSON, its number ahead."""
    made = Trials(only)
    for number in range(first, trials):
        print(json.dumps({"number": number}), flush=True)
        name, attempt = made.of(number, seed)
        grade, what = outcome_of(name, attempt, np.random.default_rng([seed, number]))
        print(json.dumps({"grade": int(grade), "what": what}), flush=True)


def hostile_arrays(
    trials: int, seed: int, folder: Path, *, checked: bool = True, only: tuple[str, ...] = ()
) -> Iterator[Outcome]:
    """The trials, in a process that is started again after it died."""
    kept = cache_folder() / f"boundscheck{int(checked)}"  # kernels that check indices take minutes to compile
    kept.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kept), "NUMBA_BOUNDSCHECK": str(int(checked))}
    environment["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    done = 0
    while done < trials:
        call = f"import reliability_arrays as arrays; arrays.serve({trials}, {seed}, {done}, {only!r})"
        command = [sys.executable, "-P", "-c", call]
        is_open = False
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                told = json.loads(line)
                is_open = "number" in told
                if not is_open:
                    done += 1
                    yield Outcome(Grade(told["grade"]), told["what"])
            code = process.wait(SECONDS)
        if code:
            done += 1
            yield Outcome(Grade.CRASHED, f"trial {done}: the process died with exit code {code}")
            if not is_open:
                return


KINDS = (Kind("hostile_arrays", "banks, demonstrations, states, poses, actions; bounds checked", 600, hostile_arrays),)
