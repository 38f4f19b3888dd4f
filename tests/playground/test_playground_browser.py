"""The playground in a real browser: each of its flows once, keyboard access, and axe-core's checks, light and dark.

Chromium is the system's own (``chromium`` on the path, or the variable CHROMIUM). axe-core is found by the variable
AXE_CORE, the path of its ``axe.min.js``, or in ``node_modules``. With the variable PLAYGROUND_SCREENSHOTS, a folder,
the screenshots of the documentation are written there.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.slow
pytest.importorskip("starlette", reason="the playground needs groundling[playground]")
uvicorn = pytest.importorskip("uvicorn", reason="the playground needs groundling[playground]")
playwright = pytest.importorskip("playwright.sync_api", reason="tests in a browser need groundling[browser]")

from groundling.cli.playground import listen  # noqa: E402
from groundling.playground.server import Playground  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HERE = Path(__file__).parent
AXE = Path(os.environ.get("AXE_CORE", HERE.parents[1] / "node_modules" / "axe-core" / "axe.min.js"))
SHOTS = os.environ.get("PLAYGROUND_SCREENSHOTS")
SERIOUS = ("serious", "critical")
FOREVER_MS = 10**9  # between steps
TILES = 8  # of the room, across and down


@pytest.fixture(scope="module")
def playground(root: Path) -> Playground:
    return Playground(root)


@pytest.fixture(scope="module")
def address(playground: Playground) -> Iterator[str]:
    """The server in a thread of this process."""
    sock = listen("127.0.0.1", 0)
    config = uvicorn.Config(playground.app(), log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)
    sock.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("no chromium is installed: apt-get install chromium, or name one by the variable CHROMIUM")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page; what goes wrong in its scripts, or is loaded from elsewhere, fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=False)
    page.set_default_timeout(60_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if is_own(request.url) else wrong.append(f"asked for {request.url}"))
    yield page
    page.close()
    assert not [line for line in wrong if "status of 400" not in line]


def is_own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


def shot(page: Any, name: str, tmp_path: Path) -> None:
    """A screenshot of the whole page; a page that shows nothing has a tiny one."""
    path = (Path(SHOTS) if SHOTS else tmp_path) / f"{name}.png"
    page.mouse.move(2, 2)
    page.screenshot(path=path, full_page=True)
    assert path.stat().st_size > 8_000
    if SHOTS:  # as small as they are shown well
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


def open_world(page: Any, address: str, key: str, title: str) -> None:
    page.goto(f"{address}#/world/{key}")
    page.get_by_role("heading", name=title).wait_for()
    page.locator(".map img").wait_for()


def tile(page: Any, x: int, y: int) -> tuple[float, float]:
    """Where a tile of the map is on the screen now."""
    page.locator(".map").scroll_into_view_if_needed()
    box = page.locator(".map canvas").bounding_box()
    return box["x"] + (x + 0.5) * box["width"] / TILES, box["y"] + (y + 0.5) * box["height"] / TILES


def drag(page: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    page.mouse.move(*tile(page, *start))
    page.mouse.down()
    page.mouse.move(*tile(page, *end), steps=3)
    page.mouse.up()


def until(page: Any, holds: Callable[[], Any]) -> None:
    """Wait until something holds; machines that run tests are busy."""
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert holds()


def told(page: Any) -> str:
    """The line below the map."""
    return str(page.locator(".told").inner_text())


def map_names(page: Any) -> str:
    return str(page.locator(".map img").get_attribute("alt"))


def test_the_gallery_shows_every_family_with_a_picture(page: Any, address: str, tmp_path: Path) -> None:
    page.goto(address)
    page.locator(".entry").first.wait_for()
    page.wait_for_load_state("networkidle")
    tags = set(page.locator(".entry .tag").all_text_contents())
    assert {"Instruction", "First person", "Question", "Manual"} <= tags
    assert all(image.evaluate("image => image.naturalWidth") > 50 for image in page.locator(".entry img").all())
    shot(page, "gallery", tmp_path)


def test_an_agent_obeys_a_sentence_that_is_typed_and_says_what_it_does_not_know(
    page: Any, address: str, tmp_path: Path
) -> None:
    page.goto(address)
    page.get_by_role("link", name="Follow an instruction").click()
    page.get_by_label("Tell the agent").fill("pick up the crimsn ball")
    page.keyboard.press("Enter")
    page.get_by_text("is unknown").wait_for()
    page.get_by_role("button", name="crimson", exact=True).click()
    assert page.get_by_label("Tell the agent").input_value() == "pick up the crimson ball"
    shot(page, "unknown-word", tmp_path)
    page.get_by_label("Speed").select_option("fast")
    page.get_by_label("Tell the agent").fill("please fetch the blue key")
    page.keyboard.press("Enter")
    page.locator(".told .badge.good").wait_for()
    assert "pick up the blue key" in page.locator(".understood").inner_text()
    assert "with “pickup”" in told(page), "it ended because the key was picked up"
    strengths = page.locator(".words .bar i").evaluate_all("bars => bars.map(bar => parseFloat(bar.style.width))")
    assert max(strengths) == 100
    shot(page, "instruction", tmp_path)


def test_the_page_shows_probabilities_value_and_attention_step_by_step(page: Any, address: str) -> None:
    open_world(page, address, "instruction", "Follow an instruction")
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_text("step 1 of").wait_for()
    numbers = [int(text.split()[0]) for text in page.locator(".action .number").all_text_contents()]
    assert 97 <= sum(numbers) <= 103
    assert page.locator(".value polyline").get_attribute("points").count(",") == 2
    veiled = page.locator(".view canvas").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, 99, 99).data.some(value => value > 0)"
    )
    assert veiled


def test_a_world_is_edited_shared_by_a_link_and_driven_by_keys(page: Any, address: str, tmp_path: Path) -> None:
    open_world(page, address, "instruction", "Follow an instruction")
    assert "yellow ball" not in map_names(page)
    page.get_by_role("button", name="Add a copy").click()
    page.get_by_label("Color of what is added").select_option("yellow")
    drag(page, (2, 2), (5, 4))
    page.locator('.map img[alt*="yellow ball"]').wait_for()
    page.get_by_role("button", name="Wall").click()
    page.mouse.click(*tile(page, 3, 4))
    page.get_by_role("button", name="Move").click()
    drag(page, (1, 1), (1, 6))
    page.keyboard.press("Escape")
    page.locator("#speed option").first.evaluate(f"option => {{ option.value = '{FOREVER_MS}' }}")
    page.get_by_label("Speed").select_option("slow")  # it takes one step and waits, until it is paused
    page.get_by_label("Tell the agent").fill("go to the yellow ball")
    page.keyboard.press("Enter")
    page.get_by_text("Understood: go to the yellow ball").wait_for()
    until(page, lambda: told(page).startswith("step 1 "))
    page.get_by_role("button", name="Pause").click()
    page.locator(".map").click(position={"x": 4, "y": 4})
    before = told(page)
    page.keyboard.press("ArrowLeft")
    until(page, lambda: told(page) != before)
    shot(page, "edited", tmp_path)
    page.get_by_role("button", name="Copy a link").click()
    page.locator("#toast.shown").wait_for()
    before, names = told(page), map_names(page)
    picture = page.locator(".map img").get_attribute("src")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.locator(".map img").wait_for()
    assert told(page) == before
    assert map_names(page) == names
    assert page.locator(".map img").get_attribute("src") == picture
    page.get_by_role("button", name="Undo").click()
    until(page, lambda: told(page) != before)


def test_the_world_is_edited_with_keys_alone(page: Any, address: str) -> None:
    open_world(page, address, "instruction", "Follow an instruction")
    before = page.locator(".map img").get_attribute("src")
    page.get_by_role("button", name="Wall").focus()
    page.keyboard.press("Enter")
    page.locator(".map").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    until(page, lambda: page.locator(".map img").get_attribute("src") != before)


def test_the_expert_shows_the_next_action_and_drives(page: Any, address: str, tmp_path: Path) -> None:
    open_world(page, address, "house", "Find it in a house")
    page.get_by_role("button", name="Ask the expert").click()
    page.locator(".action.hint").wait_for()
    page.get_by_label("through its eyes").check()
    page.wait_for_timeout(1200)
    shot(page, "house", tmp_path)
    page.get_by_label("Speed").select_option("fast")
    page.get_by_role("button", name="Let the expert run").click()
    page.locator(".told .badge.good").wait_for()


def test_a_manual_is_rewritten_and_the_same_sentence_means_another_thing(
    page: Any, address: str, tmp_path: Path
) -> None:
    open_world(page, address, "manual", "Read a manual")
    page.get_by_text("Understood: go to the blue hat").wait_for()
    page.get_by_role("button", name="Rewrite the manual").click()
    field = page.get_by_label("One sentence a line")
    field.fill(field.input_value().replace("the word toma means a blue hat", "today they say toma to a purple cup"))
    page.get_by_role("button", name="Hand it over").click()
    page.get_by_text("Understood: go to the purple cup").wait_for()
    assert "toma" in page.locator(".manual .read").inner_text()
    shot(page, "manual", tmp_path)
    page.get_by_label("Speed").select_option("fast")
    page.get_by_role("button", name="Run").click()
    page.locator(".told .badge.good").wait_for()


def test_first_person_and_questions_are_played(page: Any, address: str, tmp_path: Path) -> None:
    open_world(page, address, "first_person", "Look and drive")
    page.get_by_role("button", name="Go to the tall green pillar").click()
    page.wait_for_timeout(900)
    shot(page, "first-person", tmp_path)
    page.locator(".told .badge").wait_for()
    open_world(page, address, "question", "Ask about a house")
    page.get_by_label("Tell the agent").fill("what color is the bed?")
    page.get_by_label("Speed").select_option("fast")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Tell", exact=True).click()
    page.get_by_text("The right answer here is: yellow").wait_for()
    page.locator(".told .badge").wait_for()
    assert "answer" in page.locator(".told").inner_text()
    shot(page, "question", tmp_path)


def test_runs_are_drawn_over_each_other_compared_and_their_failures_replayed(
    page: Any, address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}#/runs")
    page.get_by_role("checkbox").nth(1).wait_for()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_text("2 seeds, 95 % interval").wait_for()
    assert page.locator(".chart .band").count() == 1
    assert page.locator(".chart .single").count() == 2
    shot(page, "runs", tmp_path)
    page.get_by_role("link", name="Compare two").click()
    page.get_by_role("columnheader", name="B − A").wait_for()
    page.locator(".chart").wait_for()
    shot(page, "compare", tmp_path)
    page.goto(f"{address}#/run/seed1")
    page.get_by_role("rowheader", name="layout").wait_for()
    page.locator("video").wait_for()
    page.get_by_role("button", name="Look for failures").click()
    page.get_by_text("episodes failed").wait_for()
    shot(page, "run", tmp_path)
    page.locator(".failures a").first.click()
    page.get_by_label("Speed").select_option("fast")
    page.get_by_role("button", name="Run", exact=False).first.click()
    page.locator(".told .badge.bad").wait_for()


def test_a_damaged_run_is_listed_with_what_is_wrong_and_the_others_are_drawn(
    page: Any, address: str, root: Path
) -> None:
    folder = root / "broken"
    folder.mkdir()
    try:
        (folder / "metrics.jsonl").write_text('{"frames": 10, "return": Infinity}\n')
        (folder / "config.json").write_text("{")
        page.goto(f"{address}#/runs")
        row = page.get_by_role("row").filter(has_text="broken")
        row.get_by_text("damaged: its config.json cannot be read").wait_for()
        page.locator(".chart .mean").wait_for()
        assert page.get_by_role("row").filter(has_text="damaged").count() == 1
        assert not row.get_by_role("checkbox").is_checked(), "it is the newest, but another one is shown first"
        row.get_by_role("checkbox").check()
        page.get_by_text("config.json could not be read").wait_for()
    finally:
        shutil.rmtree(folder)


def test_preferences_are_labelled(page: Any, address: str, root: Path, tmp_path: Path) -> None:
    page.goto(f"{address}#/label/seed1")
    page.get_by_role("button", name="Make ten pairs").click()
    page.locator("video").nth(1).wait_for()
    page.wait_for_timeout(800)
    shot(page, "label", tmp_path)
    page.keyboard.press("1")
    page.get_by_text("1 compared").wait_for()
    page.get_by_role("button", name="Equally good").click()
    page.get_by_text("2 compared").wait_for()
    assert (root / "seed1" / "comparisons.npz").is_file()


def test_a_closed_tab_frees_its_world_and_others_go_on(browser: Any, address: str, playground: Playground) -> None:
    one, two = browser.new_page(), browser.new_page()
    for page in (one, two):
        page.set_default_timeout(60_000)
        open_world(page, address, "instruction", "Follow an instruction")
    assert len(playground.tabs.open) == 2
    one.close()
    deadline = time.monotonic() + 10
    while len(playground.tabs.open) == 2 and time.monotonic() < deadline:
        two.wait_for_timeout(50)
    assert len(playground.tabs.open) == 1
    two.get_by_role("button", name="Step", exact=True).click()
    two.get_by_text("step 1 of").wait_for()
    two.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_nothing_serious(browser: Any, address: str, scheme: str, tmp_path: Path) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core is installed: npm install axe-core, or name its axe.min.js by the variable AXE_CORE")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    found = []
    pages = {
        "": ".entry",
        "world/instruction": ".map img",
        "world/manual": ".manual li",
        "runs": ".chart",
        "run/seed1": ".chart",
        "compare/seed1/seed2": "table",
        "label/seed1": ".card",
    }
    for place, shown in pages.items():
        page.goto(f"{address}#/{place}")
        page.locator(shown).first.wait_for()
        page.wait_for_load_state("networkidle")
        page.add_script_tag(path=AXE)
        for violation in page.evaluate("axe.run()")["violations"]:
            if violation["impact"] in SERIOUS:
                where = [node["target"] for node in violation["nodes"]][:3]
                found.append(f"{place or 'gallery'}: {violation['id']} ({violation['help']}) at {where}")
        page.goto("about:blank")
    if scheme == "dark":
        open_world(page, address, "instruction", "Follow an instruction")
        page.wait_for_timeout(500)
        shot(page, "dark", tmp_path)
    context.close()
    assert not found
