"""The notebooks of docs/notebooks run from their first cell to their last, and are committed with what they print."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs pip install 'groundling[docs]'")
nbclient = pytest.importorskip("nbclient", reason="needs pip install 'groundling[docs]'")

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 300_000
# What each prints that shows it did what it says: a pattern whose group is a success rate, and the least it may be.
REACHED = {
    "train_and_look_inside": (r"unseen  agent +(0\.\d+|1\.0+)", 0.9),
    "a_task_of_your_own": (r"success (0\.\d+|1\.0+) in 500 new episodes", 0.9),
    "measure_generalization": (r"attribute_gated +unseen +(0\.\d+|1\.0+)", 0.85),
}


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert all(output.output_type != "error" for output in outputs)
    return "".join(output.get("text", "") for output in outputs)


def check(name: str, text: str) -> None:
    pattern, least = REACHED[name]
    found = re.search(pattern, text)
    assert found is not None
    assert float(found[1]) >= least


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_with_its_outputs(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    notebook = nbformat.read(path, as_version=4)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    check(path.stem, printed(notebook))


def test_every_notebook_says_what_it_reaches() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(REACHED)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own packages, about event loops and transports
        nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    check(path.stem, printed(notebook))
