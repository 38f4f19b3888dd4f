"""The program that holds one ViZDoom engine: it runs as a process of its own and is driven through a socket.

A bad map can take down the process that loaded the engine's library, and the engine itself can hang: so nothing of it
runs where the agent runs. This file imports nothing of Groundling, so that it starts fast; ``doom_engine`` starts it.

A request is a line of JSON, and the answer is one as well; before "episode" and "step" are answered the frame is
written into memory that both sides share:

    {"command": "start", "wad", "width", "height", "field_of_view_deg"}   -> {"shared": names of shared memory}
    {"command": "episode", "map", "seed"}   -> {"x", "y", "angle", "actors": [names]}
    {"command": "step", "action", "tics"}   -> {"x", "y", "angle"}
    {"command": "close"}                    -> {}

An answer with "error" ("crash" or "rejected") is the last one.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import vizdoom

WATCH_INTERVAL_S = 0.5
# Doom's player cannot move in the first 8 tics of its life, and a new field of view takes some tics to open.
SETTLE_TICS = 10
NUM_BUTTONS = 3
_VARIABLES = (vizdoom.GameVariable.POSITION_X, vizdoom.GameVariable.POSITION_Y, vizdoom.GameVariable.ANGLE)
_PLAYER = "DoomPlayer"


def watch_parent(parent: int) -> None:
    """End everything as soon as the parent is gone, even while the engine hangs."""
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL_S)
    end_everything()


def end_everything() -> None:
    """End this process and the engine, and remove what they leave behind."""
    for name in shared_memory():
        Path("/dev/shm", name).unlink(missing_ok=True)
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def shared_memory() -> list[str]:
    """Names of the shared memory that the engine's library has made; a killed engine leaves it behind."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:  # not Linux
        return []
    return sorted({line.rsplit("/", 1)[1] for line in lines if "/dev/shm/ViZDoom" in line})


def start(request: dict[str, Any]) -> vizdoom.DoomGame:
    """An engine that shows nothing but the room, with its first episode, which is not pixel-exact, played away."""
    game = vizdoom.DoomGame()
    game.set_doom_scenario_path(request["wad"])
    game.set_doom_map("MAP01")
    game.set_screen_resolution(getattr(vizdoom.ScreenResolution, f"RES_{request['width']}X{request['height']}"))
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_available_buttons([vizdoom.Button.TURN_LEFT, vizdoom.Button.TURN_RIGHT, vizdoom.Button.MOVE_FORWARD])
    game.set_available_game_variables(list(_VARIABLES))
    game.set_objects_info_enabled(True)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_episode_start_time(1)
    game.set_episode_timeout(0)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_render_hud(False)
    game.set_render_crosshair(False)
    game.set_render_weapon(False)
    game.set_render_decals(False)
    game.set_render_particles(False)
    game.set_render_effects_sprites(False)
    game.set_render_messages(False)
    game.set_render_corpses(False)
    game.init()
    for button in range(NUM_BUTTONS):
        game.make_action([index == button for index in range(NUM_BUTTONS)], SETTLE_TICS)
    return game


def begin_episode(game: vizdoom.DoomGame, request: dict[str, Any], field_of_view_deg: float) -> None:
    """Load a map and let the player settle."""
    game.set_seed(request["seed"])
    game.set_doom_map(request["map"])  # loads it as well; new_episode() would load it once more
    game.send_game_command(f"fov {field_of_view_deg:.2f}")
    game.make_action([False] * NUM_BUTTONS, SETTLE_TICS)


def answer_with_state(connection: Connection, frame: mmap.mmap, game: vizdoom.DoomGame, *, with_actors: bool) -> None:
    """Write the frame, and tell where the player is and what else there is."""
    state = game.get_state()
    if state is None or state.game_variables is None:
        raise RuntimeError("the engine ended the episode by itself")
    told: dict[str, Any] = dict(zip(("x", "y", "angle"), map(float, state.game_variables), strict=True))
    if with_actors:
        told["actors"] = [thing.name for thing in state.objects if thing.name != _PLAYER]
    frame[:] = state.screen_buffer.data.cast("B")
    connection.send_bytes(json.dumps(told).encode())


def serve(connection: Connection, frame: mmap.mmap) -> None:
    """Answer requests until "close" or an error."""
    game: vizdoom.DoomGame | None = None
    field_of_view_deg = 90.0
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, ConnectionError):  # the parent is gone
            end_everything()
        command = request["command"]
        if command == "close":
            break
        try:
            if command == "start":
                game = start(request)
                field_of_view_deg = request["field_of_view_deg"]
                connection.send_bytes(json.dumps({"shared": shared_memory()}).encode())
                continue
            assert game is not None
            if command == "episode":
                begin_episode(game, request, field_of_view_deg)
            else:
                game.make_action([index == request["action"] for index in range(NUM_BUTTONS)], request["tics"])
            answer_with_state(connection, frame, game, with_actors=command == "episode")
        except (vizdoom.ViZDoomErrorException, vizdoom.ViZDoomUnexpectedExitException, RuntimeError) as error:
            told = " ".join(str(error).split())
            kind = "crash" if command == "step" or "crash" in told else "rejected"
            connection.send_bytes(json.dumps({"error": kind, "message": told}).encode())
            return
    if game is not None:
        game.close()
    with contextlib.suppress(OSError):  # nobody may wait for it any more
        connection.send_bytes(b"{}")


def main() -> None:
    """Serve; arguments are the file descriptors of the socket and of the frame, and the parent's process id."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the parent may need the engine for a checkpoint, and ends it itself
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: None)
    descriptor, memory, parent = map(int, sys.argv[1:])
    frame = mmap.mmap(memory, 0)
    os.close(memory)
    os.set_inheritable(descriptor, False)  # the engine must not hold it open
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    serve(Connection(descriptor), frame)


if __name__ == "__main__":
    main()
