"""``groundling play``: keys in, pictures out, in a terminal and in a window."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import subprocess
import sys
import time

import numpy as np
import pytest

import groundling
from groundling.cli import main
from groundling.cli.play import play
from groundling.cli.screens import KEYS, Screen, TextMap, Window, half_blocks, tile, what_is_carried
from groundling.envs import Action, GroundlingEnv
from groundling.envs.engine.constants import DOOR, FIRST_TASK_TYPE, NUM_COLORS
from groundling.envs.engine.kinds import kinds_of
from groundling.errors import ConfigurationError
from groundling.language import Lexicon, OwnColor, OwnType

PYTHON = [sys.executable, "-m", "groundling"]
LEVEL = "BabyAI-GoToObjS4-v0"
DEADLINE_S = 120.0


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, arguments: list[str]) -> None:
        self.side, other = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        self.process = subprocess.Popen(
            [*PYTHON, *arguments], stdin=other, stdout=other, stderr=other, env=environment, start_new_session=True
        )
        os.close(other)
        self.shown = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")  # a read may end within a character

    def wait_for(self, text: str) -> str:
        """Everything shown since the last call, up to this text."""
        end = time.monotonic() + DEADLINE_S
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} was never shown, but {self.shown[-2000:]!r}"
            if select.select([self.side], [], [], 1.0)[0]:
                try:
                    self.shown += self.decoder.decode(os.read(self.side, 65536))
                except OSError:  # the program has ended
                    assert text in self.shown, self.shown[-2000:]
        before, self.shown = self.shown.split(text, 1)
        return before + text

    def press(self, keys: str) -> None:
        os.write(self.side, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.side)


def test_play_in_a_terminal_obeys_the_keys_and_shows_the_instruction() -> None:
    env = groundling.make(LEVEL)
    sentences = []
    for seed in (4, 5):
        env.reset(seed=seed)
        sentences.append(env.instruction)
    assert sentences[0] != sentences[1]
    terminal = Terminal(["play", "--task", LEVEL, "--seed", "4"])
    try:
        terminal.wait_for(sentences[0])
        terminal.wait_for("step 0 of 16")
        for step, key in enumerate(["\x1b[D", "\x1b[C", "\x1bOA", "d"], start=1):
            terminal.wait_for("quit")
            terminal.press(key)
            assert sentences[0] in terminal.wait_for(f"step {step} of 16")
        terminal.wait_for("quit")
        terminal.press("x")  # no key of the game
        terminal.press("n")
        terminal.wait_for(sentences[1])
        terminal.wait_for("step 0 of 16")
        terminal.wait_for("quit")
        terminal.press("q")
        assert terminal.process.wait(timeout=DEADLINE_S) == 0
    finally:
        terminal.close()


def test_play_tells_when_an_episode_ends_and_goes_on_with_the_next() -> None:
    terminal = Terminal(["play", "--task", LEVEL, "--seed", "4"])
    try:
        for step in range(16):
            terminal.wait_for(f"step {step} of 16")
            terminal.wait_for("quit")
            terminal.press("d")
        terminal.wait_for("out of time")
        terminal.press("x")
        terminal.wait_for("step 0 of 16")
        terminal.press("q")
        assert terminal.process.wait(timeout=DEADLINE_S) == 0
    finally:
        terminal.close()


def test_play_from_an_impossible_seed_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", "--task", LEVEL, "--seed", "-1"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("groundling: ")
    assert told.count("\n") == 1
    assert "negative" in told


def test_rover_is_driven_in_the_terminal_and_seen_in_half_blocks() -> None:
    env = groundling.make(LEVEL, body="rover")
    env.reset(seed=4)
    terminal = Terminal(["play", "--task", LEVEL, "--seed", "4", "--body", "rover", "--view", "terminal"])
    try:
        first = terminal.wait_for("step 0 of 96")
        assert env.instruction in first
        lines = [line for line in first.splitlines() if "\u2580" in line]
        assert len(lines) == 32  # 40 lines of the terminal, 8 of them for text
        assert {line.count("\u2580") for line in lines} == {118}
        assert len(set(re.findall(r"38;2;\d+;\d+;\d+", first))) > 20, "a picture has colors"
        terminal.wait_for("quit")
        terminal.press("\x1b[D")
        turned = terminal.wait_for("step 1 of 96")
        assert [line for line in turned.splitlines() if "\u2580" in line] != lines
        terminal.wait_for("quit")
        terminal.press("q")
        assert terminal.process.wait(timeout=DEADLINE_S) == 0
    finally:
        terminal.close()


def test_half_blocks_show_two_rows_a_line() -> None:
    image = np.zeros((5, 2, 3), dtype=np.uint8)
    image[0, 0], image[1, 0], image[3, 1] = (1, 2, 3), (4, 5, 6), (7, 8, 9)
    first, second = half_blocks(image).splitlines()
    assert first == " \x1b[38;2;1;2;3;48;2;4;5;6m\u2580\x1b[38;2;0;0;0;48;2;0;0;0m\u2580\x1b[0m"
    assert second == " \x1b[38;2;0;0;0;48;2;0;0;0m\u2580\x1b[38;2;0;0;0;48;2;7;8;9m\u2580\x1b[0m"


def test_window_shows_the_view_and_hears_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    window = Window()
    env = groundling.make(LEVEL, body="rover", camera=window.camera())
    for key, text in ((pygame.K_RIGHT, ""), (pygame.K_UP, ""), (pygame.K_q, "q")):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=text))
    play(env, 4, window)
    assert env.worlds is not None
    assert env.worlds.state.step_count[0] == 2
    surface = pygame.display.get_surface()
    assert surface is not None
    shown = pygame.surfarray.array3d(surface).swapaxes(0, 1)
    np.testing.assert_array_equal(shown[:640], env.worlds.seen()["image"][0])
    assert (shown[640:] > 200).any(), "the instruction is written below"
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert window.read_key() == ""
    pygame.quit()


def test_no_window_without_a_display_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import pygame

    pygame.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(ConfigurationError, match="--view terminal"):
        Window()


class Script(Screen):
    """Presses keys and keeps what would be shown."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.map = TextMap()

    def show(self, env: GroundlingEnv, observation: dict[str, np.ndarray], steps: int, told: str) -> None:
        with self.map.console.capture():
            self.map.show(env, observation, steps, told)

    def read_key(self) -> str:
        return self.keys.pop(0) if self.keys else ""


@pytest.mark.parametrize("task", ["groundling/GoToHundred-v0", "groundling/RoomSize-v0", "MiniGrid-MemoryS7-v0"])
def test_every_color_and_type_can_be_shown_and_carried(task: str) -> None:
    letters = {action: key for key, action in KEYS.items()}
    rng = np.random.default_rng(6)
    keys = [letters[Action(action)] for action in rng.choice(5, 300, p=[0.2, 0.2, 0.3, 0.2, 0.1])]
    play(groundling.make(task), 0, Script(*keys))


def test_what_is_carried_is_shown() -> None:
    env = groundling.make("BabyAI-PickupLoc-v0")
    env.reset(seed=0)
    assert env.worlds is not None
    assert what_is_carried(env).plain == ""
    env.worlds.state.carried[0] = 2
    assert what_is_carried(env).plain.startswith(" carrying ")


def test_map_shows_the_types_and_colors_that_a_task_brings() -> None:
    kinds = kinds_of(Lexicon((OwnType("apple"),), (OwnColor("teal", (0, 128, 128)),)))
    assert tile(np.array([FIRST_TASK_TYPE, NUM_COLORS, 0]), kinds) == ("a ", "rgb(0,128,128)")
    assert tile(np.array([DOOR, NUM_COLORS, 1]), kinds)[1] == "rgb(0,128,128)"
    assert tile(np.array([FIRST_TASK_TYPE, 0, 0]), kinds)[1] == "red"
