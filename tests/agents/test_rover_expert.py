"""The expert of the rover: it solves episodes from any state, and turns to nothing that its camera cannot see."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hand_built_rooms import room
from numpy.typing import NDArray

from groundling.agents.bots import RoverExpert
from groundling.envs import Action, EpisodeBank
from groundling.envs.engine.constants import BALL, look
from groundling.envs.engine.rover import Rover
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.first_person import Camera

LEFT, RIGHT, FORWARD = int(Action.LEFT), int(Action.RIGHT), int(Action.FORWARD)
RED_BALL = look(BALL, 0, 0)
TASKS = ("ReadBeacons", "ReadBoxes", "ReadKeys")
LEVELS = ("BabyAI-GoToLocal-v0", "BabyAI-PutNextLocal-v0", *(f"groundling/{task}-v0" for task in TASKS))


def begin(bank: EpisodeBank, fov_degrees: float = 90.0, **settings: float) -> RoverBatch:
    camera = Camera(width=4, height=4, fov_degrees=fov_degrees)
    batch = RoverBatch(bank, len(bank), rover=Rover(**settings), camera=camera, shuffle=False)  # type: ignore[arg-type]
    batch.reset()
    return batch


def play(expert: RoverExpert, astray: float = 0.0) -> NDArray[np.bool_]:
    """Whether each episode is solved, [B], where this share of the actions is a random move."""
    worlds, rng = expert.worlds, np.random.default_rng(1)
    solved, ended = np.zeros((2, worlds.num_envs), dtype=np.bool_)
    while not ended.all():
        actions = np.where(rng.random(len(ended)) < astray, rng.integers(0, 3, len(ended)), expert.actions())
        worlds.step(actions, autoreset=False)
        solved |= worlds.outcomes.success & ~ended
        ended |= worlds.outcomes.ended
    return solved


@pytest.mark.parametrize("level", LEVELS)
def test_every_episode_is_solved_on_its_own_way_and_after_random_moves(level: str) -> None:
    bank = EpisodeBank.of_seeds(level, range(40))
    assert play(RoverExpert(begin(bank))).all()
    assert play(RoverExpert(begin(bank)), astray=0.3).all()


def test_way_round_things_is_short() -> None:
    expert = RoverExpert(begin(EpisodeBank.of_seeds("groundling/ReadBeacons-v0", range(100))))
    expert.worlds.state.max_steps[:] = 70
    assert play(expert).all()


@pytest.mark.parametrize("settings", [{"step_length_m": 0.5, "turn_angle_deg": 30.0}, {"radius_m": 0.1}])
def test_other_bodies_are_driven_as_well(settings: dict[str, float]) -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(20))
    assert play(RoverExpert(begin(bank, **settings))).all()


def test_drives_straight_at_what_it_sees_and_not_from_tile_to_tile() -> None:
    expert = RoverExpert(begin(room((6, 6, RED_BALL), pose=(2, 2, 0))))
    taken = []
    while not expert.worlds.outcomes.ended[0]:
        taken.append(int(expert.actions()[0]))
        expert.worlds.step(np.array(taken[-1:]), autoreset=False)
    turns = [action for action in taken if action != FORWARD]
    assert turns == [RIGHT] * 3  # 45 degrees
    distance = math.hypot(4, 4)
    assert taken.count(FORWARD) == math.ceil((distance - expert.worlds.rover.reach_m) / 0.25)


@pytest.mark.parametrize(("fov_degrees", "first"), [(60.0, LEFT), (120.0, RIGHT)])
def test_turns_left_to_what_is_out_of_view(fov_degrees: float, first: int) -> None:
    bank = room((6, 6, RED_BALL), pose=(2, 2, 0))  # 45 degrees to the right
    assert RoverExpert(begin(bank, fov_degrees)).actions().tolist() == [first]


def test_gets_out_of_the_corner_of_a_tile_where_another_thing_stands() -> None:
    bank = room((2, 4, RED_BALL), (3, 4, look(BALL, 1, 0)), pose=(6, 4, 2))
    expert = RoverExpert(begin(bank))
    expert.worlds.poses.x[0] += 3.95 - 6.5
    expert.worlds.poses.y[0] += 4.95 - 4.5
    expert.worlds.state.position[0] -= 3
    assert play(expert).all()


def test_run_goes_on_with_the_same_actions() -> None:
    bank = EpisodeBank.of_seeds("groundling/ReadKeys-v0", range(8))
    expert = RoverExpert(begin(bank))
    for _ in range(5):
        expert.worlds.step(expert.actions(), autoreset=False)
    other = RoverExpert(expert.worlds)
    other.load_state_dict(expert.state_dict())
    assert other.actions().tolist() == expert.actions().tolist()
    assert other.state_dict()["length"].any()
