"""The expert of episodes of files: goes by Habitat's path finder, looks, answers, carries."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_ACTIONS, Action
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.playing import rules
from groundling.envs.families.habitat.playing.asked import Place, distance
from groundling.envs.families.habitat.playing.vector import MOVES, Body, HabitatEpisodesEnv
from groundling.envs.simulators.habitat.pool import Call
from groundling.errors import ConfigurationError

NEAR_M: Final = 0.3  # of a place that is to be looked at or talked about
TAKE_M: Final = 0.9  # of an object that is to be taken
AT_M: Final = 0.15  # of where one is to stand
SIDES: Final = 8  # from which a thing is come up to
ERROR_M: Final = 0.13  # that a place may be missed by when something is put down
TRIES: Final = 12  # steps to a better place to put something down from
NAMES: Final = {name: action for action, name in MOVES.items()}


class EpisodesExpert:
    """Knows the next action in every environment of a batch (a ``Teacher``).

    Args:
        envs: the environments.

    Attributes:
        lost: [B] bool, written by :meth:`actions`: it knows no way.

    Raises:
        ConfigurationError: if the environments are others.
    """

    def __init__(self, envs: VectorEnv) -> None:
        own = envs.unwrapped
        if not isinstance(own, HabitatEpisodesEnv):
            raise ConfigurationError(f"this expert plays episodes of files in Habitat, not {type(own).__name__}")
        self._envs = own
        self.lost = np.zeros(own.num_envs, dtype=np.bool_)
        self._bodies: list[Body | None] = [None] * own.num_envs
        self._ways: list[list[int]] = [[] for _ in range(own.num_envs)]
        self._arrived: list[str] = [""] * own.num_envs
        self._tries = np.zeros(own.num_envs, dtype=np.int64)

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] in the present state of every environment; "done" where :attr:`lost`."""
        return np.array([self._action(b) for b in range(self._envs.num_envs)], dtype=np.int64)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Nothing: ways are asked for anew."""
        return {}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Nothing."""

    def _action(self, b: int) -> int:
        body = self._envs.bodies[b]
        if self._bodies[b] is not body:
            self._bodies[b], self._arrived[b], self._tries[b] = body, "", 0
            self._ways[b].clear()
        if self._ways[b]:
            return self._ways[b].pop(0)
        self.lost[b] = False
        asked = body.asked
        if asked.targets:
            return self._rearranging(b, body)
        if asked.answer >= 0:
            return self._go(b, "views", asked.views, NEAR_M, NUM_ACTIONS + asked.answer)
        return self._go(b, "goals", asked.goals, min(asked.radius, NEAR_M) * 0.99, int(Action.DONE))

    def _go(self, b: int, name: str, places: tuple[Place, ...], radius: float, then: int) -> int:
        """Go to the nearest of some places; what to do there."""
        if self._arrived[b] == name:
            return then
        way = self._asked(b, ("follow", list(places), radius))
        self._arrived[b] = name
        if way is None:
            self.lost[b] = True
            return int(Action.DONE)
        self._ways[b] = [int(NAMES[action]) for action in way]
        return self._ways[b].pop(0) if self._ways[b] else then

    def _rearranging(self, b: int, body: Body) -> int:
        asked, envs = body.asked, self._envs
        if body.carried is None:
            left = [key for key, where in asked.targets.items() if distance(body.places[key], where) > asked.radius]
            if not left:
                return int(Action.DONE)
            key = left[0]
            if rules.faced(body.position, body.rotation, body.places, envs.rover.reach_m) == key:
                return int(Action.PICKUP)
            there = body.places[key]
            if self._arrived[b] != f"take {key}":
                return self._approach(b, f"take {key}", there, TAKE_M)
            self._tries[b] += 1
            return self._nearer(b, body, there) if self._tries[b] % 2 else self._face(b, there)
        target = asked.targets.get(body.carried)
        if target is None:  # something else was taken
            return int(Action.DROP)
        name = f"bring {body.carried}"
        if self._arrived[b] != name:
            self._tries[b] = 0
            return self._approach(b, name, target, rules.PUT_AHEAD_M)
        ahead = rules.ahead_of(body.position, body.rotation, rules.PUT_AHEAD_M)
        if math.hypot(ahead[0] - target[0], ahead[2] - target[2]) <= ERROR_M or self._tries[b] > TRIES:
            self._arrived[b] = ""
            return int(Action.DROP)
        return self._place_better(b, body, target)

    def _approach(self, b: int, name: str, place: Place, metres: float) -> int:
        """Go to where a place is within so many metres, and face it."""
        stand = self._stand_near(b, place, metres)
        if stand is None:
            return self._go(b, name, (place,), self._stop_before(b, place, metres), self._face(b, place))
        return self._go(b, name, (stand,), AT_M, self._face(b, place))

    def _stand_near(self, b: int, place: Place, metres: float) -> Place | None:
        """Where one can stand within so many metres of a place, nearest on foot; None where there is nowhere.

        The place to stand that is nearest to a thing may be behind the wall that the thing stands at.
        """
        x, y, z = place
        around = [
            (x + share * metres * math.cos(angle), y, z + share * metres * math.sin(angle))
            for share in (0.6, 0.95)
            for angle in np.linspace(0, 2 * math.pi, SIDES, endpoint=False).tolist()
        ]
        found = self._envs.ask({b: [("snap", point) for point in around]}).get(b, [])
        near = [own for own in found if own is not None and math.hypot(own[0] - x, own[2] - z) <= metres]
        if not near:
            return None
        length, _, which = self._asked(b, ("path", self._envs.bodies[b].position, near)) or (math.inf, [], -1)
        return (near[which][0], near[which][1], near[which][2]) if math.isfinite(length) else None

    def _stop_before(self, b: int, place: Place, metres: float) -> float:
        """Within which radius of the nearest place to stand one is so near to a place itself."""
        stand = self._asked(b, ("snap", (place[0], 0.0, place[2])))
        off = 0.0 if stand is None else math.hypot(stand[0] - place[0], stand[2] - place[2])
        return max(metres - off, 0.15)

    def _face(self, b: int, place: Place) -> int:
        """The turn to a place, or a step where it is ahead."""
        return self._turned(b, self._turns_to(b, place), [int(Action.FORWARD)])

    def _turns_to(self, b: int, place: Place, start: Any = None, heading: float | None = None) -> int:
        body = self._envs.bodies[b]
        here = body.position if start is None else start
        heading = layout.from_rotation(body.rotation) if heading is None else heading
        bearing = math.atan2(place[2] - here[2], place[0] - here[0])
        turn = self._envs.rover.motion().turn
        return round(((bearing - heading + math.pi) % (2 * math.pi) - math.pi) / turn)

    def _turned(self, b: int, turns: int, then: list[int]) -> int:
        """Turn so often to the right (left where negative), then go on."""
        self._ways[b] = [int(Action.RIGHT if turns > 0 else Action.LEFT)] * abs(turns) + ([] if turns else then)
        return self._ways[b].pop(0)

    def _nearer(self, b: int, body: Body, place: Place) -> int:
        """A step to where an object is best taken from."""
        return self._step_to(b, body, lambda there: abs(math.hypot(there[0] - place[0], there[2] - place[2]) - 0.5))

    def _place_better(self, b: int, body: Body, target: Place) -> int:
        """Turn to where what is carried belongs, or take a step to where that can be done more exactly."""
        self._tries[b] += 1
        if self._error(b, body.position, layout.from_rotation(body.rotation), target) <= ERROR_M:
            return self._turned(b, self._turns_to(b, target), [])
        heading = layout.from_rotation(body.rotation)
        return self._step_to(b, body, lambda there: self._error(b, there, heading, target))

    def _error(self, b: int, here: Any, heading: float, target: Place) -> float:
        """How far from its place an object would lie that is put down from here, after the best turn."""
        turn = self._envs.rover.motion().turn
        turned = heading + self._turns_to(b, target, here, heading) * turn
        x = here[0] + rules.PUT_AHEAD_M * math.cos(turned)
        z = here[2] + rules.PUT_AHEAD_M * math.sin(turned)
        return math.hypot(x - target[0], z - target[2])

    def _step_to(self, b: int, body: Body, cost: Any) -> int:
        """The step, after as many turns as it takes, that ends where the cost is least."""
        ends = self._asked(b, ("steps_around",))
        if ends is None:
            return int(Action.FORWARD)
        moved = [number for number, end in enumerate(ends) if distance(end, body.position) > 0.05]
        if not moved:
            return int(Action.LEFT)
        best = min(moved, key=lambda number: float(cost(ends[number])))
        turns = best if best <= len(ends) / 2 else best - len(ends)  # to the left
        self._ways[b] = [int(Action.LEFT if turns > 0 else Action.RIGHT)] * abs(turns) + [int(Action.FORWARD)]
        return self._ways[b].pop(0)

    def _asked(self, b: int, call: Call) -> Any:
        results = self._envs.ask({b: [call]})
        return results[b][0] if b in results else None
