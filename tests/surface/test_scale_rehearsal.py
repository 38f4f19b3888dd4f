"""The benchmarks of scale and of a GPU run on a CPU in small sizes, and write no results there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gpu
import pytest
import scale

from groundling.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def test_gpu_script_is_rehearsed_on_a_cpu_and_writes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "gpu.json"
    result = subprocess.run(
        [ROOT / "benchmarks" / "gpu.sh", "--rehearse", "--rows", "environment", "--output", str(output)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHON": sys.executable},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "environment",
        "environment_pictures",
        "environment_device",
    ]
    assert not output.exists()


@pytest.mark.slow
def test_every_row_of_the_gpu_script_is_rehearsed(tmp_path: Path) -> None:
    rows = gpu.measure(gpu.Options(rehearse=True, output=tmp_path / "gpu.json"))
    assert len(rows) == len(gpu.measurements("cpu", gpu.SMALL))
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)
    assert not (tmp_path / "gpu.json").exists()


@pytest.mark.skipif(gpu.torch.cuda.is_available(), reason="there is a GPU here")
def test_gpu_script_says_in_one_line_that_there_is_no_gpu() -> None:
    with pytest.raises(ConfigurationError, match="no GPU here"):
        gpu.measure(gpu.Options())


def test_row_of_scale_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no row bogus: there are half_batches_gain"):
        scale.measure(scale.Options(rows=("bogus",)))


@pytest.mark.slow
def test_waits_are_counted_and_kept_beside_other_rows(tmp_path: Path) -> None:
    output = tmp_path / "scale.json"
    output.write_text('{"rows": [{"key": "other"}]}')
    rows = scale.measure(scale.Options(rows=("syncs_per_rollout", "syncs_per_update"), output=output))
    assert [row["mean"] for row in rows] == [16, 2], "an action a step; sentences and metrics an update"
    assert '"other"' in output.read_text()
