"""Files that were damaged: cut off, overwritten, exchanged, or with a single bit turned over.

A small run is trained, evaluated and labelled, and a bank and demonstrations are written. A trial damages one of the
files, reads it as the commands do, and compares all that was read with what was written. It ends well if that is the
same, or if one line of ours says that the file is damaged (of the metrics: that lines of it are left out).
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from reliability_kinds import Grade, Kind, Outcome

from groundling.agents.config import AgentConfig
from groundling.cli.option_files import read_option_file
from groundling.envs import EpisodeBank
from groundling.errors import GroundlingError
from groundling.eval.kept_results import EVALUATION_NAME
from groundling.eval.preference_pairs import Person, pair_episodes, play_pairs
from groundling.eval.results import read_results
from groundling.eval.runs import evaluate_run
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer, resume_config, train
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.logs import METRICS_NAME, RunLog, read_metrics
from groundling.training.preferences.comparisons import Comparisons
from groundling.training.recording import record
from groundling.training.run_folder import CONFIG_NAME

LEVEL: Final = "BabyAI-GoToObj-v0"
BANK, DEMONSTRATIONS, COMPARISONS, OPTIONS = "bank.npz", "some.demos", "comparisons.npz", "options.json"


class Heard(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.lines.append(record.getMessage())


def digest(value: Any) -> str:
    """A hash of arrays, tensors and plain values, however deep."""
    code = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, torch.Tensor):
            part = part.detach().cpu().numpy()
        if isinstance(part, np.ndarray | np.generic):
            code.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Mapping):
            for key in part:
                add(key)
                add(part[key])
        elif isinstance(part, list | tuple):
            code.update(f"[{len(part)}".encode())
            for inner in part:
                add(inner)
        else:
            code.update(f"{type(part).__name__}{part!r};".encode())

    add(value)
    return code.hexdigest()


def make_files(folder: Path) -> None:
    """A run with its evaluation and comparisons, a bank, demonstrations and a file of options."""
    agent = AgentConfig(hidden_dim=16, word_dim=8, instruction_dim=8)
    ppo = PPOConfig(num_steps=8, minibatch_size=64)
    config = TrainConfig(
        task=LEVEL, total_frames=128 * 6, num_envs=16, bank_size=32, agent=agent, settings=(ppo,), evaluate_every=0
    )
    train(config, folder)
    evaluate_run(folder, ("layout",), episodes=8, progress=False).save(folder)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    episodes, _ = pair_episodes(checkpoint, 4, 1)
    pairs = play_pairs(checkpoint.make_agent(), episodes, (LEVEL,), 1, 8)
    Person().compare(pairs, 1).save(folder / COMPARISONS)
    EpisodeBank.of_seeds(LEVEL, range(16)).save(folder / BANK)
    record(LEVEL, 8, progress=False).save(folder / DEMONSTRATIONS)
    (folder / OPTIONS).write_text(json.dumps({"task": LEVEL, "ppo.gamma": 0.97, "num-envs": 128}))


def read_bank(folder: Path) -> Any:
    """All of a bank."""
    bank = EpisodeBank.load(folder / BANK)
    return bank.level, bank.split, bank.instructions, bank._arrays()


def read_demonstrations(folder: Path) -> Any:
    """All of the demonstrations, played again."""
    found = DemonstrationSet.load(folder / DEMONSTRATIONS)
    found.check()
    played = [vars(one) for one in found.replays()]
    return vars(found.provenance), found.bank.instructions, found.arrays, played


def read_checkpoint(folder: Path) -> Any:
    """All of a checkpoint."""
    found = Checkpoint.load(folder / CHECKPOINT_NAME)
    found.make_agent()
    parts = {name: getattr(found, name) for name in ("agent", "algorithm", "statistics", "rewards", "curriculum")}
    return found.config.to_dict(), found.spec.to_dict(), found.frames, found.updates, parts


def read_comparisons(folder: Path) -> Any:
    """All of the comparisons."""
    found = Comparisons.load(folder / COMPARISONS)
    return {**vars(found), "spec": found.spec.to_dict()}


def read_evaluation(folder: Path) -> Any:
    """What ``compare`` reads."""
    return [repr(value) for value in vars(read_results(folder)).values()]


def read_options(folder: Path) -> Any:
    """A file of options for ``train --config``."""
    found = read_option_file(folder / OPTIONS, "symbols")
    return found.config.to_dict(), found.command


def read_config(folder: Path) -> Any:
    """A configuration, as a run that is resumed reads it."""
    config = resume_config(folder)
    Trainer(config, folder, resume=True).envs.close()
    return config.to_dict()


READERS: Final[dict[str, Callable[[Path], Any]]] = {
    BANK: read_bank,
    DEMONSTRATIONS: read_demonstrations,
    CHECKPOINT_NAME: read_checkpoint,
    COMPARISONS: read_comparisons,
    EVALUATION_NAME: read_evaluation,
    METRICS_NAME: read_metrics,
    CONFIG_NAME: read_config,
    OPTIONS: read_options,
}
CHECKSUMMED: Final = (BANK, DEMONSTRATIONS, CHECKPOINT_NAME, COMPARISONS, EVALUATION_NAME, METRICS_NAME)


@dataclass
class Files:
    """The files and what was read of them whole.

    Attributes:
        folder: where they are.
        whole: their bytes, by name.
        right: digests of what is read of them.
        rows: the metrics.
    """

    folder: Path
    whole: dict[str, bytes]
    right: dict[str, str]
    rows: list[dict[str, Any]]

    @classmethod
    def made(cls, folder: Path) -> Files:
        """Made anew."""
        make_files(folder)
        whole = {name: (folder / name).read_bytes() for name in READERS}
        return cls(folder, whole, {name: digest(read(folder)) for name, read in READERS.items()}, read_metrics(folder))

    def outcome(self, name: str, damaged: bytes | None, what: str, *, opens_log: bool = False) -> Outcome:
        """Read a damaged file; it is mended afterwards.

        Args:
            name: of the file.
            damaged: its bytes; None makes a folder of it.
            what: the damage, for messages.
            opens_log: of the metrics: resume them as well.
        """
        path = self.folder / name
        path.unlink()
        if damaged is None:
            path.mkdir()
        else:
            path.write_bytes(damaged)
        heard = Heard()
        log = logging.getLogger("groundling")
        log.addHandler(heard)
        try:
            found = READERS[name](self.folder)
            if opens_log and name == METRICS_NAME:
                RunLog(self.folder, from_frames=10**9).close()
        except GroundlingError as error:
            is_line = "\n" not in str(error) and len(str(error)) < 1000
            grade = Grade.REFUSED if is_line else Grade.WRONG_ERROR
            return Outcome(grade, "refused in one line" if is_line else f"{name}, {what}: {str(error)[:200]}")
        except Exception as error:
            return Outcome(Grade.WRONG_ERROR, f"{name}, {what}: {type(error).__name__}: {str(error)[:200]}")
        finally:
            log.removeHandler(heard)
            if path.is_dir():
                shutil.rmtree(path)
            path.write_bytes(self.whole[name])
        if digest(found) == self.right[name]:
            return Outcome(Grade.UNCHANGED, "read as it was written")
        if name == METRICS_NAME and all(row in self.rows for row in found) and len(heard.lines) == 1:
            return Outcome(Grade.REFUSED, "refused in one line")
        return Outcome(Grade.WRONG_RESULT, f"{name}, {what}: read as something else")


def flipped_bits(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """Turn one bit over in each trial, file after file."""
    files = Files.made(folder)
    rng = np.random.default_rng(seed)
    for number in range(trials):
        name = CHECKSUMMED[number % len(CHECKSUMMED)]
        damaged = bytearray(files.whole[name])
        place, bit = int(rng.integers(len(damaged))), int(rng.integers(8))
        damaged[place] ^= 1 << bit
        yield files.outcome(name, bytes(damaged), f"bit {bit} of byte {place}")


def damage(content: bytes, others: list[bytes], rng: np.random.Generator) -> tuple[bytes | None, str]:
    """A damaged copy, and what was done; None stands for a folder."""
    size = len(content)
    place = int(rng.integers(size))
    length = int(rng.integers(1, max(2, size - place + 1)))
    kinds: dict[str, Callable[[], bytes | None]] = {
        "cut off": lambda: content[:place],
        "cut off in front": lambda: content[place + 1 :],
        "zeros": lambda: content[:place] + bytes(length) + content[place + length :],
        "noise": lambda: content[:place] + rng.bytes(length) + content[place + length :],
        "something appended": lambda: content + rng.bytes(1 + length % 999),
        "a part twice": lambda: content[: place + length] + content[place:],
        "a part missing": lambda: content[:place] + content[place + length :],
        "empty": lambda: b"",
        "another file": lambda: others[int(rng.integers(len(others)))],
        "noise alone": lambda: rng.bytes(length),
        "a folder": lambda: None,
    }
    name = str(rng.choice(list(kinds)))
    return kinds[name](), f"{name} at {place}, {length} long"


def corrupted_files(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
    """Damage one file in each trial."""
    files = Files.made(folder)
    rng = np.random.default_rng(seed)
    names = list(READERS)
    for number in range(trials):
        name = names[number % len(names)]
        others = [content for other, content in files.whole.items() if other != name]
        damaged, what = damage(files.whole[name], others, rng)
        yield files.outcome(name, damaged, what, opens_log=True)


KINDS = (
    Kind("corrupted_files", "files cut off, overwritten or exchanged, of eight formats", 300, corrupted_files),
    Kind("flipped_bits", "one bit turned over in a file of six formats", 5000, flipped_bits),
)
