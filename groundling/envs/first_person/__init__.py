"""First-person senses: what a rover's camera sees."""

from groundling.envs.first_person.camera import Camera, Randomization
from groundling.envs.first_person.renderer import FirstPersonRenderer
from groundling.envs.first_person.scene import Views

__all__ = ["Camera", "FirstPersonRenderer", "Randomization", "Views"]
