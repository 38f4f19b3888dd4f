"""The game itself: one emulator, what its RAM says, and states to begin in."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.montezuma.tasks import ACTIONS, CLOSE, Start, Task
from groundling.envs.simulators.errors import EngineError, MissingSimulatorError
from groundling.extras import brought_by

GAME: Final = "montezuma_revenge"
# Bytes of RAM. THING is 0 once what lies in the room is taken; ROW is by what ladders lead from room to room.
ROOM, X, Y, THING, ROW, KEY = 3, 42, 43, 49, 80, 101
ROWS: Final = (3, 8)  # the first rooms of the second and the third row
SIZE: Final = 84
NOOP, FIRE, RIGHT, LEFT = (ACTIONS.index(name) for name in ("noop", "fire", "right", "left"))
BOOT_FRAMES: Final = 60
LONGEST_WALK: Final = 120  # frames
JUMP_FRAMES: Final = 70
EDGES: Final = {"left": (149, RIGHT, -1), "right": (3, LEFT, 1)}  # x before walking in, action, the neighbor's number


def load_ale() -> Any:
    """The module ale_py.

    Raises:
        MissingSimulatorError: if it is not installed.
    """
    with brought_by("atari", "ale-py is not installed", MissingSimulatorError):
        import ale_py
    return ale_py


class Game:
    """One emulator of Montezuma's Revenge, stepped frame by frame; nothing in it is random.

    Raises:
        MissingSimulatorError: if ale-py is not installed.
    """

    def __init__(self) -> None:
        self._ale_py = load_ale()
        self._ale_py.ALEInterface.setLoggerMode(self._ale_py.LoggerMode.Error)
        self.ale = self._ale_py.ALEInterface()
        self.ale.setInt("random_seed", 0)
        self.ale.setInt("frame_skip", 1)
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.loadROM(self._ale_py.roms.get_rom_path(GAME))
        self.actions = self.ale.getLegalActionSet()
        self._gray = np.zeros(self.ale.getScreenDims(), dtype=np.uint8)
        self.act(NOOP, BOOT_FRAMES)
        self._first = self.save()

    def act(self, action: int, frames: int = 1) -> None:
        """Press the same for some frames."""
        pressed = self.actions[action]
        for _ in range(frames):
            self.ale.act(pressed)

    @property
    def room(self) -> int:
        """The number of the room."""
        return int(self.ale.getRAM()[ROOM])

    @property
    def place(self) -> tuple[int, int]:
        """X and height of the player in pixels."""
        ram = self.ale.getRAM()
        return int(ram[X]), int(ram[Y])

    @property
    def has_taken(self) -> bool:
        """Whether what lies in this room was taken."""
        return int(self.ale.getRAM()[THING]) == 0

    @property
    def has_key(self) -> bool:
        """Whether the player has a key."""
        return int(self.ale.getRAM()[KEY]) != 0

    @property
    def lives(self) -> int:
        """Lives left."""
        return int(self.ale.lives())

    def solves(self, task: Task) -> bool:
        """Whether the goal of a task is reached: its room, within 5 pixels, with what is to be taken."""
        ram = self.ale.getRAM()
        if int(ram[ROOM]) != task.room:
            return False
        if abs(int(ram[X]) - task.x) > CLOSE or abs(int(ram[Y]) - task.y) > CLOSE:
            return False
        return not task.takes or (self.has_key if task.takes == "key" else self.has_taken)

    def save(self) -> bytes:
        """The whole state of the emulator."""
        return bytes(self.ale.cloneState().serialize())

    def load(self, state: bytes) -> None:
        """Go on from :meth:`save`."""
        self.ale.restoreState(self._ale_py.ALEState(state))

    def begin(self, start: Start) -> None:
        """Go to a state to begin in.

        Raises:
            EngineError: if the room is not entered, the thing not taken, or a life is lost, as with another ROM.
        """
        self.load(self._first)
        lives = self.lives
        x, action, neighbor = EDGES[start.comes_from]
        self.ale.setRAM(ROW, sum(start.room >= first for first in ROWS))
        self.ale.setRAM(ROOM, start.room + neighbor)
        self.ale.setRAM(X, x)
        for _ in range(LONGEST_WALK):
            self.act(action)
            if self.room == start.room:
                break
        self.act(NOOP, 4)
        if start.taken_at is not None:
            self._put(start.taken_at, start.y)
            self.act(FIRE)
            self.act(NOOP, JUMP_FRAMES)
            if not self.has_taken:
                raise EngineError(f"the thing of room {start.room} was not taken: is the ROM another one?")
        if start.x is not None:
            self._put(start.x, start.y)
        if self.room != start.room or self.lives != lives:
            raise EngineError(f"room {start.room} cannot be begun in: is the ROM another one?")

    def _put(self, x: int, y: int) -> None:
        self.ale.setRAM(X, x)
        self.ale.setRAM(Y, y)
        self.act(NOOP, 4)

    def picture(self) -> NDArray[np.uint8]:
        """The screen [84, 84] uint8 in gray."""
        self.ale.getScreenGrayscale(self._gray)
        return np.asarray(cv2.resize(self._gray, (SIZE, SIZE), interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def screen(self) -> NDArray[np.uint8]:
        """The screen [210, 160, 3] uint8, RGB."""
        colors = np.zeros((*self._gray.shape, 3), dtype=np.uint8)
        self.ale.getScreenRGB(colors)
        return colors
