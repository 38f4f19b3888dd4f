"""Make docs/report.png, the top of the demo's report, by Chromium: `groundling demo`, then `python docs/report.py`."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from PIL import Image

REPORT = Path("runs/demo/report.html")
SIZE = (1120, 840)
WIDTH = 840


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "report.png"
        told = [f"--screenshot={shot}", f"--window-size={SIZE[0]},{SIZE[1]}", REPORT.resolve().as_uri()]
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", *told], check=True)
        picture = Image.open(shot).convert("RGB")
    picture = picture.resize((WIDTH, SIZE[1] * WIDTH // SIZE[0]), Image.Resampling.LANCZOS)
    picture.quantize(64).save(Path(__file__).parent / "report.png", optimize=True)


if __name__ == "__main__":
    main()
