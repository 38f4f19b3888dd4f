"""Put a run's agent into the package, for `groundling watch` without a run: ``python benchmarks/ship_agent.py RUN``.

Its parameters go there in half precision, and nothing to go on training with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from launch import launch

from groundling.cli.watch import SHIPPED
from groundling.errors import ConfigurationError
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Options:
    """Write the agent of a run into the package.

    Attributes:
        run_folder: of the run.
    """

    run_folder: Annotated[Path, tyro.conf.Positional]


def main(options: Options) -> None:
    checkpoint = Checkpoint.load(options.run_folder / CHECKPOINT_NAME)
    SHIPPED.parent.mkdir(exist_ok=True)
    nothing: dict[str, Any] = {name: {} for name in ("algorithm", "statistics", "rewards", "curriculum")}
    agent = {name: parameter.half() for name, parameter in checkpoint.agent.items()}
    config = replace(checkpoint.config, init="")  # a folder of this machine
    replace(checkpoint, config=config, agent=agent, **nothing).save(SHIPPED)
    size = SHIPPED.stat().st_size
    if size > MOST_BYTES:
        SHIPPED.unlink()
        raise ConfigurationError(f"{size:,} bytes are too many to ship: at most {MOST_BYTES:,}")
    print(f"{SHIPPED.name}: {size:,} bytes, {checkpoint.frames:,} frames of {checkpoint.config.task}")


if __name__ == "__main__":
    launch(main, Options, __doc__)
