"""MiniGrid's levels as sources of episodes: which can be compiled, and why the others cannot."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib
import importlib.metadata
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import gymnasium

from groundling.envs.banks.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS
from groundling.envs.banks.episode import Episode, sample_episodes
from groundling.envs.banks.sources import OfGoals
from groundling.envs.families.babyai.known import check_class, entry_point_of, is_minigrids, is_of_library, level_class
from groundling.envs.families.babyai.minigrid_import import read_episode
from groundling.errors import ConfigurationError
from groundling.own_code import code_of

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

MAX_DRAWS = 100_000  # of a random integer for one layout; MiniGrid's levels take at most some thousand

# Settings of our suites by the names that MiniGrid's constructors give them.
SETTING_NAMES = {"room_size": ("room_size", "size"), "num_distractors": ("num_dists", "numObjs")}


@dataclass(frozen=True)
class MiniGridLevel(OfGoals):
    """A level of MiniGrid, sampled by its own generator: one that is registered, or a class of a user's own.

    Attributes:
        id: of the level.
        settings: arguments of its constructor beside or instead of the registered ones, as sorted pairs.
        generator: the class that generates it; by default the one that is registered under the id now.
        registered: the arguments of the registration, as text: what is registered anew is another level.

    Raises:
        UnknownEnvironmentError: if the id is not registered; the message names the nearest ones.
        UnsupportedLevelError: if the level cannot be compiled; the message says why.
    """

    id: str
    settings: tuple[tuple[str, object], ...] = ()
    generator: Any = None
    registered: str = field(init=False, repr=False)
    _kwargs: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kwargs: dict[str, Any] = {}
        if self.generator is None:
            object.__setattr__(self, "generator", level_class(self.id))
            kwargs = dict(gymnasium.registry[self.id].kwargs)
        else:
            check_class(self.generator, self.id)
            found = gymnasium.registry.get(self.id)
            if found is not None and entry_point_of(found) is self.generator:
                kwargs = dict(found.kwargs)
        object.__setattr__(self, "_kwargs", kwargs)
        object.__setattr__(self, "registered", repr(sorted(kwargs.items())))

    @property
    def instruction_length(self) -> int:
        """Tokens of every instruction, padding included; a level of one's own may join clauses."""
        return SEQUENCE_TOKENS if self.id in SEQUENCE_LEVELS or not self._is_minigrids else CLAUSE_TOKENS

    @property
    def description(self) -> str:
        """The first sentence of the level's own description."""
        text = self.generator.__doc__ or ""
        found = re.search(r"## Description\s+(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
        paragraph = " ".join((found.group(1) if found else text).split())
        sentence = re.split(r"(?<=\w)\.(?:\s|$)", paragraph)[0]
        settings = ", ".join(f"{k} {v}" for k, v in self._arguments.items())
        return sentence + (f" ({settings})" if settings else "")

    @property
    def is_importable(self) -> bool:
        """Whether another process can make it: one of MiniGrid's own."""
        return self._is_minigrids

    @property
    def _is_minigrids(self) -> bool:
        return is_minigrids(self.generator)

    def fingerprint(self) -> str:
        """Versions and settings; of a level of one's own the files of its classes as well, as they are."""
        versions = {name: importlib.metadata.version(name) for name in ("minigrid", "gymnasium", "numpy")}
        own = [base for base in self.generator.__mro__ if base is not object and not is_of_library(base)]
        code = "".join(f" {base.__qualname__} {hashlib.sha256(code_of(base)).hexdigest()}" for base in own)
        return f"{sorted(versions.items())} {sorted(self._arguments.items())}{code}"

    def sample(self, seed: int) -> Episode:
        """The episode of a seed, from a freshly made environment: some generators keep state between resets."""
        # a copy takes a tenth of the time of making it; the parts of MiniGrid's own are made anew by reset
        is_minigrids = self._is_minigrids
        env = copy.copy(_template(self._recipe)) if is_minigrids else self.make_env()
        # the first view is drawn by our kernels; MiniGrid's costs up to a fifth of a reset
        env.gen_obs = partial(_spare_search, vars(env)) if is_minigrids else lambda: None
        with _bounded_draws(env):
            env.reset(seed=seed)
        episode = read_episode(self.id, env, seed)
        vars(env).clear()  # it is part of rings (its instruction knows it), which would wait for the garbage collector
        return episode

    def make_env(self) -> Any:
        """The bare environment, without Gymnasium's wrappers."""
        return self.generator(**self._arguments)

    def setting(self, name: str) -> int | None:
        """The value of a setting under MiniGrid's name or that of our tasks; None if it has none."""
        own = self._own_name(name)
        if own is None:
            return None
        default = self._arguments.get(own, _parameters(self.generator)[own])
        value = getattr(self.make_env(), own, default)  # many constructors set another default for their base class
        return value if isinstance(value, int) else None

    def changed(self, **settings: object) -> MiniGridLevel:
        """The level with other settings, under MiniGrid's names or those of our tasks.

        Raises:
            ConfigurationError: if the level's constructor has no such setting, or refuses the value.
            UnsupportedLevelError: if it then has more objects than can be compiled.
        """
        known = _parameters(self.generator)
        found: dict[str, object] = dict(self.settings)
        for name, value in settings.items():
            own = self._own_name(name)
            if own is None:
                raise ConfigurationError(f"{self.id} has no setting {name!r}; it has {', '.join(sorted(known))}")
            found[own] = tuple(value) if isinstance(value, list) else value  # levels are hashable
        level = replace(self, settings=tuple(sorted(found.items())))
        try:
            sample_episodes(level, [0])  # some values are only refused when a layout is generated
        except TypeError as error:  # the constructor gives its base class a value of its own
            raise ConfigurationError(f"{self.id} fixes {' or '.join(settings)} itself") from error
        except (AssertionError, ValueError) as error:
            chosen = ", ".join(f"{name}={value}" for name, value in settings.items())
            raise ConfigurationError(f"{self.id} cannot be made with {chosen}: {error}".rstrip(": ")) from error
        return level

    def _own_name(self, name: str) -> str | None:
        known = _parameters(self.generator)
        return next((n for n in SETTING_NAMES.get(name, (name,)) if n in known), None)

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        return {**self._kwargs, **dict(self.settings)}

    @cached_property
    def _recipe(self) -> _Recipe:
        return _Recipe(self.generator, repr(sorted(self._arguments.items())), self._arguments)


@dataclass(frozen=True)
class _Recipe:
    """How an environment is made; two of one class and the same arguments are the same."""

    generator: type[Any]
    told: str
    arguments: dict[str, Any] = field(compare=False)


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
def _template(recipe: _Recipe) -> Any:
    """A freshly made environment, to be copied and never reset."""
    return recipe.generator(**recipe.arguments)


@lru_cache(maxsize=256)
def _parameters(generator: type[Any]) -> dict[str, object]:
    """The arguments that a level's constructors take and their defaults, its base classes' included."""
    found: dict[str, object] = {}
    for base in generator.__mro__:
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
