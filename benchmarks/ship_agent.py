"""Put a run's agent into the package, for `groundling watch` without a run: the parameters in half precision, nothing to go on with.

python benchmarks/ship_agent.py RUN
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import tyro

from groundling.cli.watch import SHIPPED
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

MOST_BYTES = 1_000_000


def main(run_folder: tyro.conf.Positional[Path]) -> None:
    """Write the agent of this run into the package.

    Args:
        run_folder: of the run.
    """
    checkpoint = Checkpoint.load(run_folder / CHECKPOINT_NAME)
    SHIPPED.parent.mkdir(exist_ok=True)
    dataclasses.replace(checkpoint, optimizer={}, collector={}, generators={}, curriculum={}, reference={}).save(
        SHIPPED
    )
    size = SHIPPED.stat().st_size
    if size > MOST_BYTES:
        SHIPPED.unlink()
        raise SystemExit(f"{size:,} bytes are too many to ship: at most {MOST_BYTES:,}")
    print(f"{SHIPPED}: {size:,} bytes, {checkpoint.frames:,} frames of {checkpoint.config.task}")


if __name__ == "__main__":
    tyro.cli(main)
