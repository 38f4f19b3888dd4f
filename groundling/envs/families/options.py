"""What a run asks of the worlds of its task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.language.vocabulary import Vocabulary

DEFAULT_BANK_SIZE = 8192


def check_env_device(env_device: str) -> None:
    """Refuse what is no name of a device.

    Raises:
        ConfigurationError: naming those that there are.
    """
    kind, colon, number = env_device.partition(":") if isinstance(env_device, str) else ("", "", "")
    is_numbered = not colon or (kind == "cuda" and number.isdecimal())
    if kind not in ("cpu", "cuda") or not is_numbered:
        raise ConfigurationError(f"env_device is 'cpu', 'cuda' or 'cuda:N', not {env_device!r}")


@dataclass(frozen=True)
class WorldOptions:
    """What a run asks of its environments beside their task; a family refuses what it has no use for.

    Attributes:
        body: "grid", "rover", or "own" (what the task is made for).
        camera: camera of the rover, or of another simulator's agent.
        explored_radius: size of the map of the cells observed so far, in cells to each side; None leaves it out.
        previous_action: whether the agent is told which action it took last.
        bank_size: number of distinct training episodes, for families whose episodes are in banks.
        time_limit_scale: share of its time limit that an episode has.
        by_instruction: treat each instruction as a separate task, for a curriculum of instructions.
        env_device: where the worlds are stepped: "cpu", "cuda" or "cuda:N".
        vocabulary: vocabulary of the token ids; None takes the family's own, of several families the joined one.
    """

    body: Literal["own", "grid", "rover"] = "own"
    camera: Camera = field(default_factory=Camera)
    explored_radius: int | None = None
    previous_action: bool = False
    bank_size: int = DEFAULT_BANK_SIZE
    time_limit_scale: float = 1.0
    by_instruction: bool = False
    env_device: str = "cpu"
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        check_env_device(self.env_device)

    def vocabulary_of(self, own: Iterable[Vocabulary]) -> Vocabulary:
        """That of the token ids, for families with these vocabularies."""
        return self.vocabulary or Vocabulary.joined(own)


PLAIN: Final = WorldOptions()
