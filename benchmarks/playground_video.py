"""The video of the playground for its documentation: a real browser is driven, its screenshots are the frames.

    python benchmarks/playground_video.py [--output docs/playground/playground.mp4] [--chromium /usr/bin/chromium]

Needs the extras playground and browser, and a chromium. Nothing is trained: the agents are those that ship.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import uvicorn
from launch import launch
from numpy.typing import NDArray
from playwright.sync_api import Page, sync_playwright

from groundling.cli.playground import listen
from groundling.errors import ConfigurationError
from groundling.eval.recording import save_video
from groundling.playground.server import Playground

WIDTH, HEIGHT = 1280, 900
FPS: Final = 4
TILES: Final = 8  # of the room of the first scene


@dataclass(frozen=True)
class Options:
    """Write the video.

    Attributes:
        output: the file.
        chromium: the browser; by default the one on the path.
    """

    output: Path = Path("docs/playground/playground.mp4")
    chromium: str = ""


class Film:
    """A page whose pictures are kept.

    Args:
        page: of the browser.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[NDArray[np.uint8]] = []

    def hold(self, seconds: float) -> None:
        """Keep the page as it is for so long, in the time of the video."""
        encoded = np.frombuffer(self.page.screenshot(), np.uint8)
        picture: Any = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        self.frames += [np.asarray(picture[..., ::-1], np.uint8)] * max(1, round(seconds * 5))

    def type(self, text: str) -> None:
        """Write into the sentence, some letters a frame."""
        field = self.page.get_by_label("Tell the agent")
        for end in [*range(4, len(text), 4), len(text)]:
            field.fill(text[:end])
            self.hold(0.2)

    def play(self, button: str, most: int) -> None:
        """Press a button again and again, until the episode ends."""
        for _ in range(most):
            if self.page.locator(".told .badge").count():
                break
            before = self.page.locator(".told").inner_text()
            self.page.get_by_role("button", name=button, exact=True).click()
            self.wait(lambda before=before: self.page.locator(".told").inner_text() != before)  # type: ignore[misc]
            self.hold(0.2)

    def wait(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds, which takes no time in the video."""
        while not holds():
            self.page.wait_for_timeout(30)

    def tell(self) -> None:
        """Hand the sentence over without running."""
        self.page.evaluate("document.querySelector('.say').requestSubmit()")
        self.page.get_by_role("button", name="Pause").click()
        self.page.get_by_text("Understood:").wait_for()

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag a thing on the map."""
        box: Any = self.page.locator(".map canvas").bounding_box()

        def place(tile: tuple[float, float]) -> tuple[float, float]:
            across, down = ((own + 0.5) / TILES for own in tile)
            return box["x"] + across * box["width"], box["y"] + down * box["height"]

        self.page.mouse.move(*place(start))
        self.page.mouse.down()
        for share in (0.25, 0.5, 0.75, 1.0):
            self.page.mouse.move(
                *place((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
            )
            self.hold(0.2)
        self.page.mouse.up()
        self.page.wait_for_timeout(500)


@contextmanager
def served() -> Iterator[str]:
    """A playground without runs, and its address."""
    sock = listen("127.0.0.1", 0)
    config = uvicorn.Config(Playground().app(), log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()


def show(film: Film, address: str) -> None:
    """The scenes."""
    page = film.page
    page.goto(address)
    page.locator(".entry").first.wait_for()
    page.wait_for_load_state("networkidle")
    film.hold(1.6)
    page.get_by_role("link", name="Follow an instruction").click()
    page.locator(".map img").wait_for()
    page.wait_for_timeout(500)
    film.hold(1.0)
    film.type("please fetch the blue key")
    film.tell()
    film.hold(0.8)
    film.play("Step", 30)
    film.hold(1.0)
    page.get_by_role("button", name="Again").click()
    page.wait_for_timeout(500)
    film.drag((6, 6), (1, 5))
    film.hold(0.6)
    film.play("Step", 30)
    film.hold(0.8)
    page.goto(f"{address}#/world/manual")
    page.get_by_role("heading", name="Read a manual").wait_for()
    page.get_by_role("button", name="Rewrite the manual").click()
    field = page.get_by_label("One sentence a line")
    field.scroll_into_view_if_needed()
    film.hold(0.8)
    field.fill(field.input_value().replace("the word toma means a blue hat", "today they say toma to a green cup"))
    film.hold(0.8)
    page.get_by_role("button", name="Hand it over").click()
    page.get_by_text("Understood: go to the green cup").wait_for()
    page.evaluate("scrollTo(0, 0)")
    film.hold(1.0)
    film.play("Step", 30)
    film.hold(0.6)


def main(options: Options) -> None:
    chromium = options.chromium or shutil.which("chromium")
    if not chromium:
        raise ConfigurationError("no chromium is installed: name one by --chromium")
    with served() as address, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, bypass_csp=True)
        page.set_default_timeout(60_000)
        film = Film(page)
        show(film, address)
        browser.close()
    save_video(iter(film.frames), options.output, fps=FPS)
    size = options.output.stat().st_size
    print(f"{options.output}: {len(film.frames) / FPS:.1f} s, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    launch(main, Options, __doc__)
