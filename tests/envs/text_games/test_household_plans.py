"""Houses and their tasks, drawn without TextWorld: what is asked, the way to do it, and which pairs are kept apart."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.envs.families.textworld.household import (
    PLACES,
    THINGS,
    Plan,
    commands_of,
    draw_plan,
    instruction_of,
    is_held_out,
)

PLAN = Plan(("bedroom", "kitchen"), "bedroom", {"mug": "fridge", "book": "bed"}, "mug", "nightstand")


def test_shortest_way_opens_what_is_closed_and_walks_both_ways() -> None:
    assert commands_of(PLAN) == [
        "go east",
        "open fridge",
        "take mug from fridge",
        "go west",
        "put mug on nightstand",
    ]
    assert instruction_of(PLAN) == "put the mug on the nightstand."


def test_thing_is_inserted_into_a_container() -> None:
    plan = PLAN._replace(thing="book", goal="wardrobe")
    assert commands_of(plan) == ["take book from bed", "open wardrobe", "insert book into wardrobe"]
    assert instruction_of(plan) == "put the book in the wardrobe."


@pytest.mark.parametrize("part", ["train", "seen", "pairs"])
def test_held_out_pairs_are_asked_for_in_their_suite_alone(part: str) -> None:
    plans = [draw_plan(np.random.default_rng(seed), part) for seed in range(100)]
    assert {is_held_out(plan.thing, plan.goal) for plan in plans} == {part == "pairs"}
    assert all(plan.places[plan.thing] != plan.goal for plan in plans), "done before it begins"


def test_every_thing_and_every_place_is_trained_with_some_partner() -> None:
    for thing in THINGS:
        assert not all(is_held_out(thing, place) for place in PLACES)
    for place in PLACES:
        assert {is_held_out(thing, place) for thing in THINGS} == {False, True}
