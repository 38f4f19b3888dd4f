"""One simulator, guarded: scenes, objects, the agent, what it sees, paths. Made anew before it has leaked much."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import facts, guards
from .configuration import make_configuration, without_lighting
from .guards import HabitatRefusal, Owner, as_array, as_point, as_rotation, is_nowhere
from .paths import Paths
from .settings import Placement, SimulatorSettings


class Simulation:
    """A simulator that holds one scene, its objects by keys of the caller's.

    Args:
        settings: what it is made with.
        max_scenes: after so many it is made anew.

    Attributes:
        renewals: how often it was made anew.
    """

    def __init__(self, settings: SimulatorSettings, max_scenes: int = facts.MAX_SCENES) -> None:
        guards.check_gpu(settings.gpu)
        guards.check_camera(settings.width, settings.height, settings.hfov_degrees, list(settings.sensors))
        for name, value in facts.QUIET.items():
            os.environ.setdefault(name, value)
        import habitat_sim
        import magnum

        self._sim_package, self._magnum = habitat_sim, magnum
        self.settings = settings
        self.renewals = 0
        self._max_scenes, self._scenes, self._navmeshes = max_scenes, 0, 0
        self._sim: Any = None
        self._owner: Owner | None = None
        self._scene = ("", "")
        self._objects: dict[Any, Any] = {}
        self._placed: dict[Any, Placement] = {}
        self._carried: Any = None
        self._island = -1

    @property
    def version(self) -> str:
        """Of habitat-sim."""
        return str(getattr(self._sim_package, "__version__", "unknown"))

    # Scenes

    def load(self, dataset: str, scene_id: str, objects: Mapping[Any, Placement]) -> None:
        """Load a scene and put objects into it, by keys; its navigation mesh has those that are static.

        Raises:
            HabitatRefusal: if a file is missing or damaged, or nobody can stand anywhere.
        """
        scene_id = guards.scene_name(scene_id)
        guards.check_scene(dataset, scene_id, [own.template for own in objects.values()])
        if self._owner is not None:
            self._owner.check()
        is_worn = self._scenes >= self._max_scenes or self._navmeshes >= facts.MAX_NAVMESHES
        if (dataset, scene_id) == self._scene and self._sim is not None:
            self._clear()
        elif self._sim is None or is_worn or dataset != self._scene[0]:
            self._renew(dataset, scene_id)
        else:
            self._reconfigure(dataset, scene_id)
        self._scene = (dataset, scene_id)
        self._carried = None
        for key, placement in objects.items():
            self._add(key, placement)
        self.recompute_navmesh()

    def _renew(self, dataset: str, scene_id: str) -> None:
        if self._sim is not None:
            self._end()
            self.renewals += 1
        configuration = make_configuration(self._sim_package, self.settings, dataset, scene_id)
        owner = Owner()
        try:
            with without_lighting():
                self._sim = self._sim_package.Simulator(configuration)
        except BaseException:
            owner.close()
            raise
        self._owner = owner
        self._scenes, self._navmeshes = 1, 0

    def _reconfigure(self, dataset: str, scene_id: str) -> None:
        """Load another scene of the same dataset; where that fails the simulator holds half of it, and is ended."""
        self._objects, self._placed = {}, {}
        try:
            with without_lighting():
                self._sim.reconfigure(make_configuration(self._sim_package, self.settings, dataset, scene_id))
        except BaseException:
            self._end()
            raise
        self._scenes += 1

    def _end(self) -> None:
        """Close the simulator; the next scene makes another one."""
        sim, owner = self._sim, self._owner
        self._sim, self._owner, self._scene, self._carried = None, None, ("", ""), None
        self._objects, self._placed = {}, {}
        assert owner is not None
        try:
            sim.close()
        finally:
            owner.close()

    def _clear(self) -> None:
        manager = self._sim.get_rigid_object_manager()
        for key in list(self._objects):
            self._remove(manager, key)

    def _remove(self, manager: Any, key: Any) -> None:
        guards.check_object(key, self._objects)
        manager.remove_object_by_id(self._objects.pop(key).object_id)
        self._placed.pop(key, None)

    # Objects

    def _add(self, key: Any, placement: Placement) -> None:
        templates = self._sim.get_object_template_manager()
        ending = os.sep + placement.template + facts.OBJECT_ENDING
        handles = [h for h in templates.get_template_handles(placement.template) if h.endswith(ending)]
        made = self._sim.get_rigid_object_manager().add_object_by_template_handle(handles[0]) if handles else None
        if made is None:
            raise HabitatRefusal(f"the object {placement.template} cannot be made: its template or mesh is missing")
        self._objects[key] = made
        self._put(key, placement)

    def _put(self, key: Any, placement: Placement) -> None:
        """Place, rotation and id first, the kind of motion last: what is static ignores a new place."""
        kinds = self._sim_package.physics.MotionType
        own = self._objects[key]
        own.motion_type = kinds.KINEMATIC
        x, y, z = as_point(placement.position).tolist()
        own.translation = self._magnum.Vector3(x, y, z)
        qx, qy, qz, qw = as_rotation(placement.rotation)
        own.rotation = self._magnum.Quaternion(self._magnum.Vector3(qx, qy, qz), qw)
        if placement.semantic_id is not None:
            own.semantic_id = int(placement.semantic_id)
        if placement.is_static:
            own.motion_type = kinds.STATIC
        self._placed[key] = placement

    def change(self, objects: Mapping[Any, Placement | None]) -> None:
        """Put objects elsewhere, as other templates, or away (None); the navigation mesh follows where it has to."""
        self._check()
        manager = self._sim.get_rigid_object_manager()
        is_ground_changed = False
        for key, placement in objects.items():
            before = self._placed.get(key)
            is_ground_changed |= any(own is not None and own.is_static for own in (before, placement))
            if placement is None:
                if before is not None:
                    self._remove(manager, key)
            elif before is None or before.template != placement.template:
                if before is not None:
                    self._remove(manager, key)
                guards.check_scene(*self._scene, [placement.template])
                self._add(key, placement)
            else:
                self._put(key, placement)
        if is_ground_changed:
            self.recompute_navmesh()

    def carry(self, key: Any) -> None:
        """Move an object with the agent from now on, before its camera; None lets go of it."""
        self._check()
        if key is not None:
            guards.check_object(key, self._objects)
        self._carried = key
        self._take_along()

    def _take_along(self) -> None:
        if self._carried is None:
            return
        node = self._sim.get_agent(0).scene_node
        there = node.absolute_transformation().transform_point(self._magnum.Vector3(*self.settings.carried_at))
        own = self._objects[self._carried]
        if own.motion_type != self._sim_package.physics.MotionType.KINEMATIC:
            own.motion_type = self._sim_package.physics.MotionType.KINEMATIC
        own.translation = there
        qx, qy, qz, qw = as_rotation(self.pose()[1])  # its front is to the agent
        own.rotation = self._magnum.Quaternion(self._magnum.Vector3(qx, qy, qz), qw)

    def recompute_navmesh(self) -> None:
        """Compute anew where an agent can stand.

        Raises:
            HabitatRefusal: if it can nowhere.
        """
        guards.check_scene_for_navmesh(self._scene[1])
        settings = self._sim_package.NavMeshSettings()
        settings.set_defaults()
        for name, value in self.settings.navmesh.items():
            setattr(settings, name, value)
        is_made = self._sim.recompute_navmesh(self._sim.pathfinder, settings)
        self._navmeshes += 1
        guards.check_made(is_made)
        guards.check_loaded(self._sim.pathfinder)

    # The agent

    def place(self, position: Sequence[float], rotation: Sequence[float]) -> tuple[float, float, float]:
        """Put the agent where it can stand, as near as can be to a position; returns where that is.

        Raises:
            HabitatRefusal: if there is no such place near it.
        """
        finder = self._finder()
        there = as_array(finder.snap_point(as_point(position)))
        if is_nowhere(there):
            raise HabitatRefusal(
                f"nobody can stand within {facts.SNAP_ACROSS_M:g} m of {told(position)}: it is off the floor"
            )
        state = self._sim_package.AgentState()
        state.position = there
        state.rotation = as_rotation(rotation)
        self._sim.get_agent(0).set_state(state)
        self._take_along()
        x, y, z = there.tolist()
        return x, y, z

    def act(self, action: str) -> bool:
        """Move; returns whether the agent got less far than it was to."""
        self._check()
        guards.check_loaded(self._sim.pathfinder)
        agent = self._sim.get_agent(0)
        guards.check_action(action, agent.agent_config.action_space)
        collided = bool(agent.act(action))
        self._take_along()
        return collided

    def pose(self) -> tuple[tuple[float, float, float], tuple[float, float, float, float]]:
        """The agent's position, and its rotation x, y, z, w."""
        self._check()
        state = self._sim.get_agent(0).get_state()
        x, y, z = as_array(state.position).tolist()
        turned = state.rotation
        return (x, y, z), (float(turned.x), float(turned.y), float(turned.z), float(turned.w))

    def look(self) -> dict[str, Any]:
        """What the sensors see: rgb [H, W, 3] uint8, depth [H, W] float32, semantic [H, W] uint32."""
        self._check()
        seen = dict(self._sim.get_sensor_observations())
        if facts.COLOR in seen:
            seen[facts.COLOR] = np.ascontiguousarray(seen[facts.COLOR][..., :3])
        return {name: seen[name] for name in self.settings.sensors}

    # Paths; see :class:`Paths`

    def path(self, start: Sequence[float], ends: Sequence[Sequence[float]]) -> tuple[float, list[list[float]], int]:
        """The shortest way from a place to the nearest of others: its length, its corners, which; inf if none."""
        return self._paths().to_nearest(start, ends)

    def steps_around(self) -> list[list[float]]:
        """Where a step ends on each heading that turns to the left lead to, from the present one on."""
        return self._paths().steps_around(*self._place_and_yaw())

    def is_navigable(self, position: Sequence[float]) -> bool:
        """Whether one can stand there: find_path and snap_point silently take the nearest place."""
        return bool(self._finder().is_navigable(as_point(position)))

    def snap(self, position: Sequence[float]) -> list[float] | None:
        """The nearest place to stand; None if there is none near."""
        return self._paths().snap(position)

    def random_places(self, count: int, seed: int, near: Sequence[float]) -> list[list[float]]:
        """Random places that can be reached from one."""
        return self._paths().random_places(count, seed, near)

    def follow(self, goals: Sequence[Sequence[float]], radius: float) -> list[str] | None:
        """Actions that bring the agent within a radius of one of several places; None if no way is. It stays put."""
        return self._paths().follow(*self._place_and_yaw(), goals, radius)

    def _paths(self) -> Paths:
        return Paths(self._sim_package, self._finder(), self.settings)

    def _place_and_yaw(self) -> tuple[tuple[float, float, float], float]:
        place, (_, qy, _, qw) = self.pose()
        return place, 2 * math.atan2(qy, qw)

    def close(self) -> None:
        """End it."""
        if self._sim is not None and self._owner is not None:
            self._owner.check()
            self._end()

    def _check(self) -> None:
        if self._owner is None or self._sim is None:
            raise HabitatRefusal("no scene is loaded")
        self._owner.check()

    def _finder(self) -> Any:
        self._check()
        return guards.check_loaded(self._sim.pathfinder)


def told(position: Sequence[float]) -> str:
    """A place for messages."""
    return "(" + ", ".join(f"{float(part):.2f}" for part in position) + ")"
