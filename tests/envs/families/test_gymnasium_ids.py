"""Ids: whatever is listed works with Gymnasium and in the catalog, and none means two things."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from groundling.envs import Task, register
from groundling.envs.catalog import find_family, known_ids
from groundling.envs.families.own import registered
from groundling.envs.single import GroundlingEnv
from groundling.language import Color, GoTo, ObjectDescription, ObjectType

pytestmark = pytest.mark.filterwarnings("ignore:.*is out of date:DeprecationWarning")  # of v0 where there is a v1
OURS = [id for id in gymnasium.registry if id.startswith("groundling/")]


@pytest.mark.parametrize("id", known_ids())
def test_every_listed_id_is_made_by_gymnasium_and_found_in_the_catalog(id: str) -> None:
    family = find_family(id)
    assert family.id == family.reference == id
    for name in (id, id if id in OURS else f"groundling/{id}"):
        if "GroundedDoom" in id:
            pytest.importorskip("vizdoom")
        env = gymnasium.make(name, disable_env_checker=True)
        assert len(family.spec.actions) == env.action_space.n  # type: ignore[attr-defined]
        env.close()


@pytest.mark.parametrize("id", OURS)
def test_id_of_gymnasium_means_one_family(id: str) -> None:
    spec = gymnasium.spec(id)
    family = find_family(id)
    if "level" in spec.kwargs:
        assert find_family(spec.kwargs["level"]).id == family.id
        env = gymnasium.make(id, disable_env_checker=True).unwrapped
        assert isinstance(env, GroundlingEnv) == hasattr(family, "source")
        assert env.level == family.id  # type: ignore[attr-defined]


def test_levels_of_one_name_have_ids_of_their_own() -> None:
    for name in ("KeyCorridorS3R1-v0", "UnlockPickup-v0"):
        short, first, second = (find_family(f"groundling/{head}{name}").id for head in ("", "BabyAI-", "MiniGrid-"))
        assert (short, first, second) == (f"BabyAI-{name}", f"BabyAI-{name}", f"MiniGrid-{name}")


def test_task_is_registered_with_gymnasium_as_soon_as_it_is_ours() -> None:
    try:

        @register("gym-test/Near-v0")
        class Near(Task):
            """Go to the ball."""

            def sample(self, world: object, rng: np.random.Generator) -> GoTo:
                world.add(ObjectType.BALL, Color.RED)  # type: ignore[attr-defined]
                world.place_agent()  # type: ignore[attr-defined]
                return GoTo(ObjectDescription(ObjectType.BALL, Color.RED))

        env = gymnasium.make("gym-test/Near-v0")
        assert env.reset(seed=1)[1]["instruction_text"] == "go to the red ball"
        assert find_family("gym-test/Near-v0").reference == ""  # of a function
    finally:
        gymnasium.registry.pop("gym-test/Near-v0", None)
        registered._registry.pop("gym-test/Near-v0", None)
