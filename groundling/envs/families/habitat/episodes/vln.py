"""VLN episodes of habitat-lab ("R2RVLN-v1"): follow an instruction along a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from groundling.envs.families.habitat.episodes.following import ActionSizes
from groundling.envs.families.habitat.episodes.pointnav import PointNavEpisode, navigation_of, navigation_values
from groundling.envs.families.habitat.episodes.values import Vector, key, listed, vector
from groundling.errors import HabitatFileError

TYPE: Final = "R2RVLN-v1"
SIZES: Final = ActionSizes(0.25, 15.0)
SUCCESS_M: Final = 3.0  # the convention of VLN; the task's configuration leaves the default of .2
MAX_STEPS: Final = 500


@dataclass(frozen=True)
class VlnEpisode(PointNavEpisode):
    """An episode of VLN.

    Attributes:
        instruction_text: what to do.
        instruction_tokens: the same as numbers of words, 0-padded.
        reference_path: corners of the path that the instruction tells of, X, Y, Z each.
        trajectory_id: of that path.
    """

    instruction_text: str = ""
    instruction_tokens: tuple[int, ...] = ()
    reference_path: tuple[Vector, ...] = ()
    trajectory_id: Any = None


@dataclass(frozen=True)
class VlnDataset:
    """Episodes of VLN, and the words that their tokens stand for."""

    episodes: tuple[VlnEpisode, ...]
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "episodes": [
                {
                    **navigation_values(one),
                    "instruction": {
                        "instruction_text": one.instruction_text,
                        "instruction_tokens": list(one.instruction_tokens),
                    },
                    "reference_path": [list(point) for point in one.reference_path],
                    "trajectory_id": one.trajectory_id,
                }
                for one in self.episodes
            ],
            "instruction_vocab": {"word_list": list(self.words)},
        }

    @classmethod
    def from_dict(cls, values: Any) -> VlnDataset:
        """Read the values of a file.

        Raises:
            HabitatFileError: if a piece is missing, or a token is no word; the message names it.
        """
        words = tuple(listed(key(values, "instruction_vocab", "the file"), "word_list", "'instruction_vocab'"))
        told = listed(values, "episodes", "the file")
        return cls(tuple(_episode_of(one, f"episode {row}", len(words)) for row, one in enumerate(told)), words)


def _episode_of(values: Any, where: str, words: int) -> VlnEpisode:
    told = key(values, "instruction", where)
    tokens = tuple(told.get("instruction_tokens") or ()) if isinstance(told, dict) else ()
    if any(not isinstance(token, int) or not 0 <= token < words for token in tokens):
        raise HabitatFileError(f"'instruction_tokens' of {where} are not all among the {words} words of the file")
    path = listed(values, "reference_path", where)
    return VlnEpisode(
        **navigation_of(values, where),
        instruction_text=key(told, "instruction_text", where),
        instruction_tokens=tokens,
        reference_path=tuple(vector({"point": one}, "point", f"the reference path of {where}", 3) for one in path),
        trajectory_id=key(values, "trajectory_id", where),
    )
