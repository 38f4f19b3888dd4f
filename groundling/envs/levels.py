"""MiniGrid's levels as sources of episodes: which can be compiled, and why the others cannot."""

from __future__ import annotations

import contextlib
import copy
import difflib
import hashlib
import importlib
import importlib.metadata
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import gymnasium

from groundling.envs.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS, Episode
from groundling.envs.reading import read_episode
from groundling.envs.sources import OfGoals, sample_episodes
from groundling.envs.task_registry import OWN_NAMESPACE
from groundling.errors import ConfigurationError, UnknownEnvironmentError, UnsupportedLevelError

NAMESPACE = f"{OWN_NAMESPACE}/"

# Levels whose instructions may join several clauses ("..., then ...").
SEQUENCE_LEVELS = frozenset(
    f"BabyAI-{name}-v0"
    for name in (
        *("GoToSeq", "GoToSeqS5R2", "OpenTwoDoors", "OpenRedBlueDoors", "OpenRedBlueDoorsDebug"),
        *("OpenDoorsOrderN2", "OpenDoorsOrderN4", "OpenDoorsOrderN2Debug", "OpenDoorsOrderN4Debug"),
        *("MoveTwoAcrossS5N2", "MoveTwoAcrossS8N9", "SynthSeq"),
        *("MiniBossLevel", "BossLevel", "BossLevelNoUnlock"),
    )
)

# MiniGrid's own environments whose goal is in an instruction that varies.
MISSION_LEVELS = (
    *("Fetch", "GoToDoor", "GoToObject", "PutNear", "Memory", "LockedRoom", "KeyCorridor", "ObstructedMaze"),
    *("BlockedUnlockPickup", "UnlockPickup"),
)

# What these decide in MiniGrid's classes, the kernels decide in the same way: a class of one's own may not change them.
RULES = (
    *("reset", "step", "_reward", "gen_obs", "gen_obs_grid", "get_view_exts", "update_objs_poss"),
    *("dir_vec", "right_vec", "front_pos"),
)

MAX_DRAWS = 100_000  # of a random integer for one layout; MiniGrid's levels take at most some thousand

# Settings of our suites by the names that MiniGrid's constructors give them.
SETTING_NAMES = {"room_size": ("room_size", "size"), "num_distractors": ("num_dists", "numObjs")}


@dataclass(frozen=True)
class MiniGridLevel(OfGoals):
    """A registered level of MiniGrid, sampled by its own generator.

    Attributes:
        id: of the level.
        settings: arguments of its constructor beside or instead of the registered ones, as sorted pairs.

    Raises:
        UnknownEnvironmentError: if the id is not registered; the message names the nearest ones.
        UnsupportedLevelError: if the level cannot be compiled; the message says why.
    """

    id: str
    settings: tuple[tuple[str, object], ...] = ()

    def __post_init__(self) -> None:
        level_class(self.id)

    @property
    def instruction_length(self) -> int:
        """Tokens of every instruction, padding included; a level of one's own may join clauses."""
        return SEQUENCE_TOKENS if self.id in SEQUENCE_LEVELS or not self._is_minigrids else CLAUSE_TOKENS

    @property
    def description(self) -> str:
        """The first sentence of the level's own description."""
        text = level_class(self.id).__doc__ or ""
        found = re.search(r"## Description\s+(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
        paragraph = " ".join((found.group(1) if found else text).split())
        sentence = re.split(r"(?<=\w)\.(?:\s|$)", paragraph)[0]
        settings = ", ".join(f"{k} {v}" for k, v in self._arguments.items())
        return sentence + (f" ({settings})" if settings else "")

    @property
    def is_importable(self) -> bool:
        """Whether another process can make it: one of MiniGrid's own, which are registered wherever it is imported."""
        return self._is_minigrids and isinstance(gymnasium.registry[self.id].entry_point, str)

    @property
    def _is_minigrids(self) -> bool:
        return _is_minigrids(level_class(self.id))

    def fingerprint(self) -> str:
        """Versions and settings; of a level of one's own the code of its classes as well."""
        versions = {name: importlib.metadata.version(name) for name in ("minigrid", "gymnasium", "numpy")}
        own = [base for base in level_class(self.id).__mro__ if _is_level(base) and not _is_minigrids(base)]
        code = "".join(f" {hashlib.sha256(_code(base).encode()).hexdigest()}" for base in own)
        return f"{sorted(versions.items())} {sorted(self._arguments.items())}{code}"

    def sample(self, seed: int) -> Episode:
        """The episode of a seed, from a freshly made environment: some generators keep state between resets."""
        # a copy takes a tenth of the time of making it; the parts of MiniGrid's own are made anew by reset
        is_minigrids = self._is_minigrids
        env = copy.copy(_template(self)) if is_minigrids else self.make_env()
        # the first view is drawn by our kernels; MiniGrid's costs up to a fifth of a reset
        env.gen_obs = partial(_spare_search, vars(env)) if is_minigrids else lambda: None
        with _bounded_draws(env):
            env.reset(seed=seed)
        episode = read_episode(self.id, env, seed)
        vars(env).clear()  # it is part of rings (its instruction knows it), which would wait for the garbage collector
        return episode

    def make_env(self) -> Any:
        """The bare environment, without Gymnasium's wrappers."""
        return level_class(self.id)(**self._arguments)

    def setting(self, name: str) -> int | None:
        """The value of a setting under MiniGrid's name or that of our tasks; None if it has none."""
        own = self._own_name(name)
        if own is None:
            return None
        default = self._arguments.get(own, _parameters(self.id)[own])
        value = getattr(self.make_env(), own, default)  # many constructors set another default for their base class
        return value if isinstance(value, int) else None

    def changed(self, **settings: object) -> MiniGridLevel:
        """The level with other settings, under MiniGrid's names or those of our tasks.

        Raises:
            ConfigurationError: if the level's constructor has no such setting, or refuses the value.
            UnsupportedLevelError: if it then has more objects than can be compiled.
        """
        known = _parameters(self.id)
        found: dict[str, object] = dict(self.settings)
        for name, value in settings.items():
            own = self._own_name(name)
            if own is None:
                raise ConfigurationError(f"{self.id} has no setting {name!r}; it has {', '.join(sorted(known))}")
            found[own] = tuple(value) if isinstance(value, list) else value  # levels are hashable
        level = MiniGridLevel(self.id, tuple(sorted(found.items())))
        try:
            sample_episodes(level, [0])  # some values are only refused when a layout is generated
        except TypeError as error:  # the constructor gives its base class a value of its own
            raise ConfigurationError(f"{self.id} fixes {' or '.join(settings)} itself") from error
        except (AssertionError, ValueError) as error:
            chosen = ", ".join(f"{name}={value}" for name, value in settings.items())
            raise ConfigurationError(f"{self.id} cannot be made with {chosen}: {error}".rstrip(": ")) from error
        return level

    def _own_name(self, name: str) -> str | None:
        known = _parameters(self.id)
        return next((n for n in SETTING_NAMES.get(name, (name,)) if n in known), None)

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        return {**gymnasium.registry[self.id].kwargs, **dict(self.settings)}


def _spare_search(attributes: dict[str, Any]) -> None:
    """In place of the first view, which BabyAI takes before its verifier looks for the instruction's objects.

    Writing the sentence has just found them, in the same grid: to look again would cost a sixth of a large level.
    """
    if "instrs" in attributes:
        attributes["instrs"].reset_verifier = lambda env: None


@contextlib.contextmanager
def _bounded_draws(env: Any) -> Iterator[None]:
    """Let BabyAI reject a layout in which it would look for a place for the agent for ever.

    So it does at every thousandth seed of SynthS5R2: whichever way the agent would look from the tiles that are left
    in a small room, it would stand before an object or a door.
    """
    draw, layout, draws = env._rand_int, None, 0
    attributes = vars(env)

    def bounded(low: int, high: int) -> int:  # some hundred times for a layout
        nonlocal layout, draws
        if attributes.get("grid") is not layout:
            layout, draws = attributes["grid"], 0
        draws += 1
        if draws > MAX_DRAWS:
            raise RecursionError("no place for the agent")  # BabyAI's own sign of a layout to be rejected
        return draw(low, high)

    env._rand_int = bounded
    try:
        yield
    finally:
        del env._rand_int


@lru_cache(maxsize=256)
def _template(level: MiniGridLevel) -> Any:
    """A freshly made environment of the level, to be copied and never reset."""
    return level.make_env()


def minigrid_levels() -> list[str]:
    """Ids of every registered level that can be compiled, BabyAI's first, in the order of registration."""
    import minigrid  # noqa: F401 - registers its levels

    babyai = [id for id in gymnasium.registry if id.startswith("BabyAI-")]
    own = [id for id in gymnasium.registry if id.startswith(tuple(f"MiniGrid-{name}" for name in MISSION_LEVELS))]
    return [*babyai, *own]


def level_of(id: str) -> str:
    """The level behind an id: ``groundling/GoToLocal-v0`` and ``BabyAI-GoToLocal-v0`` are the same.

    Raises:
        UnknownEnvironmentError: if no environment has this id; the message names the nearest ones.
    """
    import minigrid  # noqa: F401 - registers its levels

    names = [prefix + id.removeprefix(NAMESPACE) for prefix in ("BabyAI-", "MiniGrid-")]
    for level in names if id.startswith(NAMESPACE) else [id]:
        if level in gymnasium.registry and not level.startswith(NAMESPACE):
            return level
    from groundling.envs.sources import known_ids

    raise UnknownEnvironmentError(unknown_message(id, known_ids()))


@lru_cache(maxsize=256)
def level_class(level: str) -> type[Any]:
    """The class that generates a level; errors as :class:`MiniGridLevel`."""
    from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel

    envs = importlib.import_module("minigrid.envs")

    spec = gymnasium.registry.get(level)
    if spec is None or spec.entry_point is None:
        raise UnknownEnvironmentError(unknown_message(level, minigrid_levels()))
    entry = spec.entry_point
    if isinstance(entry, str):
        module, _, name = entry.partition(":")
        try:
            entry = getattr(importlib.import_module(module), name)
        except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
            raise UnsupportedLevelError(f"{level} cannot be compiled: {error}") from error
    if not (isinstance(entry, type) and _is_level(entry)):
        raise UnsupportedLevelError(f"{level} cannot be compiled: it is no level of MiniGrid")
    if not issubclass(entry, (RoomGridLevel, *(getattr(envs, f"{name}Env") for name in MISSION_LEVELS))):
        raise UnsupportedLevelError(
            f"{level} cannot be compiled: its mission never varies, so that there is no language to ground (of "
            f"MiniGrid's levels, BabyAI's and {', '.join(MISSION_LEVELS)} can be run)"
        )
    deciding = {name: next((base for base in entry.__mro__ if name in vars(base)), entry) for name in RULES}
    changed = [name for name, base in deciding.items() if name in vars(base) and not _is_minigrids(base)]
    if changed:
        raise UnsupportedLevelError(
            f"{level} cannot be compiled: {entry.__name__} changes MiniGrid's {', '.join(changed)}, not the kernels"
        )
    if spec.max_episode_steps is not None or spec.additional_wrappers:
        raise UnsupportedLevelError(
            f"{level} cannot be compiled: it is registered with a wrapper of Gymnasium's; set a time limit by max_steps"
        )
    return entry


def _is_level(cls: type[Any]) -> bool:
    from minigrid.minigrid_env import MiniGridEnv

    return issubclass(cls, MiniGridEnv)


def _is_minigrids(cls: type[Any]) -> bool:
    return cls.__module__.startswith("minigrid.")


def _code(cls: type[Any]) -> str:
    """The source of a class; the compiled code of its methods where there is none, as at the interpreter's prompt."""
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        codes = [value.__code__ for value in vars(cls).values() if inspect.isfunction(value)]
        return "".join(f"{code.co_name} {code.co_code!r} {code.co_consts!r}" for code in codes)


def unknown_message(id: str, known: Iterable[str]) -> str:
    """One line that names the ids nearest to an unknown one."""
    ids = list(known)
    bare = {_bare(name).lower(): name for name in reversed(ids)}
    close = difflib.get_close_matches(_bare(id).lower(), bare, n=3, cutoff=0.5)
    nearest = f"; the nearest are {', '.join(bare[name] for name in close)}" if close else ""
    return f"there is no environment {id!r}{nearest}. `groundling tasks` lists all {len(ids)}"


def _bare(id: str) -> str:
    return re.sub(r"^(BabyAI-|MiniGrid-|groundling/)|-v\d+$", "", id)


@lru_cache(maxsize=256)
def _parameters(level: str) -> dict[str, object]:
    """The arguments that a level's constructors take and their defaults, its base classes' included."""
    found: dict[str, object] = {}
    for base in level_class(level).__mro__:
        if base.__name__ == "MiniGridEnv":
            break
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            for p in parameters:
                if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self":
                    found.setdefault(p.name, p.default)
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break  # what it does not name, it does not hand on
    return found
