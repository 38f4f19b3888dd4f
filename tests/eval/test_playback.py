"""The video of a report plays in a browser: Chromium loads the page, decodes the video and says what it found."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from groundling.eval.recording import FRAMES_PER_SECOND, save_video
from groundling.eval.report import Video, write_report
from groundling.eval.suite_report import SuiteReport

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# The page plays to its end, draws the last frame and writes into itself what a person would see.
PROBE = """<p id="found">nothing</p><script>
const video = document.querySelector("video"), found = document.getElementById("found");
video.addEventListener("error", () => { found.textContent = "error: " + video.error.message; });
video.addEventListener("seeked", () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const color = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  found.textContent = [video.readyState, video.duration, canvas.width, canvas.height, ...color].join(" ");
});
video.addEventListener("loadeddata", () => { video.currentTime = video.duration - 0.1; });
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_video_of_a_report_plays_in_chromium(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    red, blue = np.zeros((2, 240, 321, 3), dtype=np.uint8)
    red[..., 0] = 220
    blue[..., 2] = 200
    count = save_video([red] * 6 + [blue], tmp_path / "episode.mp4")
    write_report(
        tmp_path,
        SuiteReport("a task", False, 1, 0, {}, {}),
        facts={},
        pictures=[],
        config="",
        links={},
        video=Video("Two colors", (tmp_path / "episode.mp4").read_bytes(), ()),
    )
    (tmp_path / "episode.mp4").unlink()  # the report has it inside
    page = tmp_path / "report.html"
    page.write_text(page.read_text().replace("</body>", f"{PROBE}</body>"))
    told = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--virtual-time-budget=20000", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    (line,) = re.findall(r'<p id="found">([^<]*)</p>', told)
    found = html.unescape(line).split()
    assert "error" not in line
    assert len(found) == 8, f"the video was not decoded: {line}"
    state, duration, width, height, *color = map(float, found)
    assert state >= 2, "HAVE_CURRENT_DATA"
    assert duration == pytest.approx(count / FRAMES_PER_SECOND, abs=0.01)
    assert (width, height) == (322, 240)
    np.testing.assert_allclose(color, (0, 0, 200, 255), atol=16)
