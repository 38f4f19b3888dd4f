"""A hundred color-type pairs: for curves of the success on unseen pairs over the number of trained ones."""

from __future__ import annotations

from groundling.envs.families.own.registered import register
from groundling.envs.tasks.go_to import RoomGoTo
from groundling.envs.tasks.pick_up import RoomPickUp
from groundling.language.goals import PORTABLE_TYPES, Color


@register("groundling/GoToHundredLarge-v0", room_size=9, num_distractors=8)
@register("groundling/GoToHundred-v0")
class GoToHundred(RoomGoTo):
    """Go to the object of one of ten colors and ten types, every pair as often, and take the action "done" there."""

    colors = tuple(Color)
    types = PORTABLE_TYPES


@register("groundling/PickUpHundred-v0")
class PickUpHundred(RoomPickUp):
    """Pick up the object of one of ten colors and ten types, every pair as often, and no other."""

    colors = tuple(Color)
    types = PORTABLE_TYPES
