"""Record an expert's demonstrations of a task into one file, or describe such a file; export it to Minari."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from groundling.agents.bots import Sight
from groundling.envs import HeldOut
from groundling.envs.banks.splits import training_split
from groundling.errors import ConfigurationError
from groundling.training.demonstrations import SUFFIX, DemonstrationSet
from groundling.training.minari_export import export_to_minari, minari_folder
from groundling.training.recording import DEFAULT_NUM_ENVS, record


@dataclass
class Command:
    """Record demonstrations, or describe those in a file.

    Attributes:
        task: id of a level or task, or FILE.py:CLASS; or a file FILE.demos to describe or export.
        episodes: number of demonstrations to record.
        output: path of the file; by default demos/TASK-seedN.demos.
        expert: what the expert observes: "explored" (the cells observed so far) or "world" (the full state).
        held_out: instructions and wordings excluded from the demonstrations; the defaults are those of training.
        seed: random seed of the episodes.
        num_envs: number of parallel environments; the demonstrations do not depend on it.
        minari: name of a Minari data set to write as well, such as "babyai/go-to-local/expert-v0".
        verify: read all of FILE.demos and compare it with its checksums.
    """

    task: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="TASK|FILE")]]
    episodes: int = 1000
    output: Path | None = None
    expert: Sight = "explored"
    held_out: HeldOut = field(default_factory=HeldOut)
    seed: int = 0
    num_envs: int = DEFAULT_NUM_ENVS
    minari: str | None = None
    verify: bool = False

    def run(self) -> None:
        """Record or describe."""
        if self.minari is not None:
            minari_folder(self.minari)  # a name that cannot be used is told before an hour of recording
        demonstrations = self._described() if self.task.endswith(SUFFIX) else self._recorded()
        if self.minari is not None:
            folder = export_to_minari(demonstrations, self.minari)
            print(f'the Minari data set is in {folder}; read it with minari.load_dataset("{self.minari}")')

    def _recorded(self) -> DemonstrationSet:
        start = time.perf_counter()
        demonstrations = record(
            self.task,
            self.episodes,
            seed=self.seed,
            split=training_split(self.held_out),
            sees=self.expert,
            num_envs=self.num_envs,
        )
        seconds = time.perf_counter() - start
        origin = demonstrations.provenance
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", origin.task) + f"-seed{self.seed}{SUFFIX}"
        path = self.output or Path("demos") / name
        size = demonstrations.save(path)
        print(
            f"recorded {len(demonstrations):,} demonstrations of {origin.task} in {seconds:.1f} s: "
            f"{demonstrations.num_frames:,} frames, {demonstrations.lengths.mean():.1f} each"
        )
        if origin.lost or origin.failed:
            print(
                f"left out {origin.lost + origin.failed:,} of {origin.tried:,} episodes: the expert was lost in "
                f"{origin.lost:,} and failed in {origin.failed:,}"
            )
        print(f"they are in {path}: {size:,} bytes, {size / len(demonstrations):.0f} each")
        return demonstrations

    def _described(self) -> DemonstrationSet:
        if self.output is not None:
            raise ConfigurationError(f"{self.task} is recorded already: give --output with the id of a task")
        demonstrations = DemonstrationSet.load(self.task)
        if self.verify:
            demonstrations.verify()
        origin, lengths = demonstrations.provenance, demonstrations.lengths
        count, size = len(demonstrations), Path(self.task).stat().st_size
        told = {
            "task": origin.task,
            "split": origin.split_name,
            "expert": origin.expert,
            "seed": str(origin.seed),
            "episodes": f"{count:,} ({origin.tried:,} tried, {origin.lost:,} lost, {origin.failed:,} failed)",
            "frames": f"{demonstrations.num_frames:,}",
            "mean length": f"{lengths.mean():.1f} (shortest {lengths.min()}, longest {lengths.max()})",
            "mean return": f"{demonstrations.returns.mean():.3f}",
            "size": f"{size:,} bytes, {size / count:.0f} an episode",
            "checksums": "match" if self.verify else "not read, see --verify",
        }
        for what, value in told.items():
            print(f"{what:<11}  {value}")
        return demonstrations
