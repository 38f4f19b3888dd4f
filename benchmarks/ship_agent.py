"""Put a run's agent into the package, for `groundling watch` without a run: ``python benchmarks/ship_agent.py RUN``.

Its parameters go there in half precision, and nothing to go on training with.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

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
    nothing: dict[str, Any] = {name: {} for name in ("optimizer", "collector", "generators", "curriculum", "reference")}
    agent = {name: parameter.half() for name, parameter in checkpoint.agent.items()}
    config = dataclasses.replace(checkpoint.config, init="")  # a folder of this machine
    dataclasses.replace(checkpoint, config=config, agent=agent, **nothing).save(SHIPPED)
    size = SHIPPED.stat().st_size
    if size > MOST_BYTES:
        SHIPPED.unlink()
        raise SystemExit(f"{size:,} bytes are too many to ship: at most {MOST_BYTES:,}")
    print(f"{SHIPPED.name}: {size:,} bytes, {checkpoint.frames:,} frames of {checkpoint.config.task}")


if __name__ == "__main__":
    tyro.cli(main)
