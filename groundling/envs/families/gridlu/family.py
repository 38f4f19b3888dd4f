"""GridLU's tasks as families of environments: splits, suites, breakdowns and the expert."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, get_args

from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.families.base import ALL, TRAIN, EnvFamily
from groundling.envs.families.gridlu.expert import Carrier
from groundling.envs.families.gridlu.goal_states import goal_states
from groundling.envs.families.gridlu.instructions import KINDS, by_sentence
from groundling.envs.families.gridlu.names import RELATIONS_GAME, Game, View
from groundling.envs.families.gridlu.painting import paint
from groundling.envs.families.gridlu.vector import GridLUVectorEnv, make_spec
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import Suite, Teacher

KIND = "kind"
PARTS = {  # of the instructions of each split
    "Relations": {ALL: "all", TRAIN: "train", "seen": "train", "held_out": "held_out"},
    "Arrangements": {ALL: "all", TRAIN: "all", "seen": "all", "four": "four", "eight": "eight"},
}
SUITES: Mapping[str, Mapping[str, Suite]] = {
    "Relations": {
        "layout": Suite("instructions of training, new grids", "seen"),
        "held_out": Suite("the tenth of the instructions that training never has", "held_out"),
    },
    "Arrangements": {
        "layout": Suite("instructions of training, new grids", "seen"),
        "four": Suite("four blocks, all of one color", "four"),
        "eight": Suite("four blocks of the color that is told and four of another", "eight"),
    },
}


class GridLUFamily(EnvFamily):
    """One task.

    Args:
        game: which.
        view: what agents see, "symbols" or "rgb".

    Raises:
        ConfigurationError: if there is no such view.
    """

    breakdowns = (KIND,)
    most_envs: ClassVar[int] = 250

    def __init__(self, game: Game, *, view: View = "symbols") -> None:
        if view not in get_args(View):
            raise ConfigurationError(f"view is one of {', '.join(get_args(View))}, not {view!r}")
        self.game = game
        self.view: View = view
        self.id = self.reference = game.id
        self.description = game.description
        self.spec = make_spec(view)
        self.suites = SUITES[game.name]

    def with_settings(self, settings: Mapping[str, str]) -> GridLUFamily:
        """The same task with another ``view``.

        Raises:
            ConfigurationError: if a setting is unknown or cannot work.
        """
        values: dict[str, Any] = dict(settings)
        if unknown := set(values) - {"view"}:
            raise ConfigurationError(f"{self.id} has no setting {min(unknown)!r}: its setting is view")
        return GridLUFamily(self.game, **values)

    def split(self, name: str, held_out: Any = None) -> str:
        """The name of a part of its episodes; which instructions are kept from training is fixed.

        Raises:
            SplitError: if there is none.
        """
        known = PARTS[self.game.name]
        if name not in known:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(known)}")
        return name

    def make_vec(
        self,
        split: str,
        num_envs: int,
        seed: int,
        *,
        render_mode: str | None = None,
        autoreset: bool = True,
        copy: bool = True,
        max_steps: int | None = None,
        **options: Any,
    ) -> GridLUVectorEnv:
        """B grids that play a split."""
        return GridLUVectorEnv(
            self.game,
            num_envs,
            part=PARTS[self.game.name][self.split(split)],
            seed=seed,
            max_steps=max_steps,
            view=self.view,
            copy=copy,
            render_mode=render_mode,
            autoreset=autoreset,
        )

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """What the instruction says: that X is north of Y is that Y is south of X."""
        found = by_sentence().get(texts[self.text_key])
        return texts[self.text_key] if found is None else found.meaning

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """By "kind": whether the agent is to go, to bring a block or to arrange blocks; or by "instruction"."""
        if kind == KIND and (found := by_sentence().get(text)) is not None:
            return (KINDS[found.kind],)
        return super().groups(kind, text)

    def goal_states(self, split: Any, count: int, seed: int) -> dict[str, NDArray[Any]]:
        """Observations [N, ...] by key of states in which it is so what the instruction says: of Relations half drawn
        and half reached by the expert, of Arrangements all drawn.
        """
        states = goal_states(self.game, PARTS[self.game.name][self.split(split)], count, seed, "both")
        return states if self.view == "symbols" else {**states, "image": paint(states["image"])}

    def expert(self, envs: VectorEnv) -> Teacher | None:
        """Who goes and carries by shortest ways; nobody knows how to arrange."""
        return Carrier(envs) if self.game == RELATIONS_GAME else None
