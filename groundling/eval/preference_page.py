"""An HTML page on which a person compares pairs of trajectories, and reading the choices that it saves."""

from __future__ import annotations

import html
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.banked import BankEpisodes, watched_episode
from groundling.errors import PreferenceFileError
from groundling.eval.recording import save_video
from groundling.files import write_text
from groundling.training.preferences.comparisons import EQUAL, FIRST, SECOND, UNLABELLED, Comparisons

KIND: Final = "groundling choices"
CHOICES: Final = {"first": FIRST, "second": SECOND, "equal": EQUAL}
PAGE_NAME: Final = "index.html"
SIDES: Final = "ab"


def pictures(episodes: Sequence[BankEpisodes], number: int, actions: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """The world from above, [H, W, 3] uint8, in the steps of an episode that is played again.

    Args:
        episodes: of each task.
        number: of the episode, counted over all of them.
        actions: that were taken in it.
    """
    part = 0
    while number >= episodes[part].count:
        number -= episodes[part].count
        part += 1
    envs = watched_episode(episodes[part], number)
    try:
        envs.reset()
        yield _picture(envs)
        for action in actions:
            envs.step(np.array([action]))
            yield _picture(envs)
    finally:
        envs.close()


def write_page(comparisons: Comparisons, episodes: Sequence[BankEpisodes], folder: Path) -> Path:
    """Write two videos of every pair, and the page that shows them side by side; returns its path.

    Raises:
        StorageError: if a file cannot be written.
    """
    for number in range(len(comparisons)):
        for side, letter in enumerate(SIDES):
            actions = comparisons.action[number, side, : comparisons.length[number, side]].tolist()
            save_video(pictures(episodes, number, actions), folder / f"{number:04d}{letter}.mp4")
    page = folder / PAGE_NAME
    told = {"kind": KIND, "pairs": fingerprint(comparisons), "texts": list(comparisons.texts)}
    # "</" would end the script
    write_text(page, _PAGE.replace("__TITLE__", html.escape(", ".join(comparisons.tasks))).replace(
        "__DATA__", json.dumps(told).replace("</", "<\\/")
    ))  # fmt: skip
    return page


def fingerprint(comparisons: Comparisons) -> str:
    """What tells these pairs from others."""
    return f"{zlib.crc32(np.ascontiguousarray(comparisons.action).tobytes()):08x}-{len(comparisons)}"


def read_choices(path: Path, comparisons: Comparisons) -> NDArray[np.float64]:
    """The labels [N] of the choices that the page saved; -1 where none was made.

    Raises:
        PreferenceFileError: if there is no file, it is torn, or it is of other pairs.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PreferenceFileError(f"there is no file of choices at {path}: save one from the page") from None
    except (OSError, ValueError) as error:
        raise PreferenceFileError(
            f"{path} is no whole file of choices, save it from the page again: {error}"
        ) from error
    if not isinstance(content, dict) or content.get("kind") != KIND or not isinstance(content.get("choices"), dict):
        raise PreferenceFileError(f"{path} is no file of choices: the page of `groundling label RUN` saves one")
    if content.get("pairs") != fingerprint(comparisons):
        raise PreferenceFileError(
            f"the choices of {path} are of other pairs than those of this run: `groundling label RUN` has made new "
            "ones since, choose on its page"
        )
    label = np.full(len(comparisons), UNLABELLED)
    for number, choice in content["choices"].items():
        if not number.isdecimal() or int(number) >= len(label) or choice not in CHOICES:
            raise PreferenceFileError(f"{path} has a choice that the page does not make: pair {number}, {choice!r}")
        label[int(number)] = CHOICES[choice]
    return label


def _picture(envs: object) -> NDArray[np.uint8]:
    (picture,) = envs.render()  # type: ignore[attr-defined]
    return np.asarray(picture, dtype=np.uint8)


_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Which is better? __TITLE__</title>
<style>
body { font: 18px sans-serif; margin: 2em auto; max-width: 60em; text-align: center }
video { width: 47%; border: 4px solid transparent }
video.chosen { border-color: #2a7 }
button { font: inherit; margin: .3em; padding: .3em 1em }
</style>
<h1 id="text"></h1>
<video id="a" muted autoplay loop playsinline></video>
<video id="b" muted autoplay loop playsinline></video>
<p>
<button onclick="choose('first')">left is better (1)</button>
<button onclick="choose('equal')">equal (0)</button>
<button onclick="choose('second')">right is better (2)</button>
</p>
<p><button onclick="go(-1)">back (b)</button> <button onclick="go(1)">skip (n)</button>
<button onclick="save()">save the choices (s)</button></p>
<p id="state"></p>
<script>
const data = __DATA__;
const key = "groundling-" + data.pairs;
let choices = JSON.parse(localStorage.getItem(key) || "{}"), now = 0;
while (now < data.texts.length - 1 && choices[now] !== undefined) now++;
function show() {
  const name = String(now).padStart(4, "0");
  document.getElementById("text").textContent = data.texts[now];
  for (const side of ["a", "b"]) {
    const video = document.getElementById(side);
    video.src = name + side + ".mp4";
    video.className = choices[now] === (side === "a" ? "first" : "second") ? "chosen" : "";
  }
  document.getElementById("state").textContent = "pair " + (now + 1) + " of " + data.texts.length + ", " +
    Object.keys(choices).length + " compared" + (choices[now] ? "; here: " + choices[now] : "");
}
function go(by) { now = Math.max(0, Math.min(data.texts.length - 1, now + by)); show(); }
function choose(what) {
  choices[now] = what;
  localStorage.setItem(key, JSON.stringify(choices));
  if (Object.keys(choices).length === data.texts.length) save();
  go(1);
}
function save() {
  const told = JSON.stringify({kind: data.kind, pairs: data.pairs, choices: choices});
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([told], {type: "application/json"}));
  link.download = "choices.json";
  link.click();
}
document.addEventListener("keydown", event => {
  const act = {"1": () => choose("first"), "2": () => choose("second"), "0": () => choose("equal"),
    ArrowLeft: () => choose("first"), ArrowRight: () => choose("second"), ArrowDown: () => choose("equal"),
    b: () => go(-1), n: () => go(1), s: save}[event.key];
  if (act) { event.preventDefault(); act(); }
});
show();
</script>
"""
