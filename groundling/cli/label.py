"""Compare pairs of a run's trajectories, on a page, in the terminal or by a simulated person; write the comparisons."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from groundling.cli.screens import LINES_BELOW, half_blocks, raw_keys, read_key
from groundling.envs.families.banked import BankEpisodes
from groundling.errors import ConfigurationError
from groundling.eval.preference_page import pictures, read_choices, write_page
from groundling.eval.preference_pairs import Person, pair_episodes, play_pairs
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.preferences.comparisons import EQUAL, FIRST, SECOND, UNLABELLED, Comparisons

FOLDER = "label"
PAIRS_NAME = "pairs.npz"
OUTPUT_NAME = "comparisons.npz"
ANSWERS = {"1": FIRST, "2": SECOND, "0": EQUAL, "\x1b[D": FIRST, "\x1b[C": SECOND, "\x1b[B": EQUAL}
SECONDS_A_PICTURE = 0.15


@dataclass
class Command:
    """Compare pairs of a run's trajectories. Of each pair, both are of one episode, with actions drawn anew.

    By default it writes a page with two videos of each pair side by side; choose there with the keys 1, 2 and 0 (or the
    arrows), save the choices, and give the file to --read. The comparisons train a reward (--reward preferences
    --preferences.comparisons FILE) or an agent (--algorithm dpo --dpo.comparisons FILE).

    Attributes:
        run_folder: folder of the run.
        episodes: number of pairs.
        read: file of choices that the page saved; writes the comparisons.
        terminal: show the pairs in the terminal, one trajectory after the other, and ask there.
        simulated: let a simulated person compare them, by what the environment paid.
        noise: share of the simulated person's answers that are turned round.
        temperature: of the simulated person; near 0 the larger return is always preferred.
        most_steps: of a trajectory that are kept.
        seed: random seed of episodes, actions and the simulated person.
        output: path of the comparisons; by default comparisons.npz in the run folder.
    """

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    episodes: int = 50
    read: Path | None = None
    terminal: bool = False
    simulated: bool = False
    noise: float = 0.1
    temperature: float = 0.1
    most_steps: int = 128
    seed: int = 0
    output: Path | None = None

    def run(self) -> None:
        """Read choices, or play the pairs and have them compared."""
        if sum((self.read is not None, self.terminal, self.simulated)) > 1:
            raise ConfigurationError("choose one of --read, --terminal and --simulated")
        if self.most_steps < 1:
            raise ConfigurationError(f"most_steps must be at least 1, got {self.most_steps}")
        aside = self.run_folder / FOLDER / PAIRS_NAME
        if self.read is not None:
            pairs = Comparisons.load(aside)
            self._write(pairs.with_labels(read_choices(self.read, pairs), "a person"))
            return
        person = Person(self.noise, self.temperature)
        checkpoint = Checkpoint.load(self.run_folder / CHECKPOINT_NAME, for_evaluation=True)
        episodes, _ = pair_episodes(checkpoint, self.episodes, self.seed)
        agent = checkpoint.make_agent()
        tasks = checkpoint.config.task_ids
        pairs = play_pairs(agent, episodes, tasks, integer(self.seed, "label"), self.most_steps)
        if self.simulated:
            self._write(person.compare(pairs, integer(self.seed, "person")))
        elif self.terminal:
            with raw_keys():
                label = ask(pairs, episodes)
            self._write(pairs.with_labels(label, "a person"))
        else:
            pairs.save(aside)
            print(f"writing {2 * len(pairs)} videos", flush=True)
            page = write_page(pairs, episodes, aside.parent)
            print(f"open {page} in a browser, compare the {len(pairs)} pairs, save the choices, then call")
            print(f"groundling label {self.run_folder} --read choices.json")

    def _write(self, comparisons: Comparisons) -> None:
        path = self.output or self.run_folder / OUTPUT_NAME
        told = comparisons.labelled
        told.save(path)
        preferred = told.label != EQUAL
        print(
            f"{len(told)} comparisons ({int(preferred.sum())} with a preference) of {len(comparisons)} pairs, "
            f"labelled by: {told.labeller}"
        )
        print(f"they are in {path}")


def ask(
    pairs: Comparisons,
    episodes: Sequence[BankEpisodes],
    *,
    read: Callable[[], str] = read_key,
    console: Console | None = None,
    seconds: float = SECONDS_A_PICTURE,
) -> NDArray[np.float64]:
    """Show pairs one after the other and ask which is better; returns the labels [N], -1 where nobody was asked.

    Args:
        pairs: to be compared.
        episodes: in which they were played.
        read: waits for a key.
        console: where to show them.
        seconds: between pictures.
    """
    console = console or Console(highlight=False)
    label = np.full(len(pairs), UNLABELLED)
    for number in range(len(pairs)):
        answer = _ask_pair(pairs, episodes, number, read, console, seconds)
        if answer is None:
            break
        label[number] = answer
    return label


def _ask_pair(
    pairs: Comparisons,
    episodes: Sequence[BankEpisodes],
    number: int,
    read: Callable[[], str],
    console: Console,
    seconds: float,
) -> float | None:
    """The label of one pair; None to stop."""
    while True:
        for side, name in enumerate(("first", "second")):
            actions = pairs.action[number, side, : pairs.length[number, side]].tolist()
            for step, picture in enumerate(pictures(episodes, number, actions)):
                _show(console, picture, pairs.texts[number], f"pair {number + 1} of {len(pairs)}: {name}, step {step}")
                time.sleep(seconds)
        console.print(Text(" 1 the first is better   2 the second   0 equal   r again   q stop", style="bold"))
        for key in iter(read, None):
            if key in ANSWERS:
                return ANSWERS[key]
            if key in ("q", ""):
                return None
            if key == "r":
                break


def _show(console: Console, picture: NDArray[np.uint8], text: str, line: str) -> None:
    console.clear()
    columns, rows = console.size
    free = max(1, rows - LINES_BELOW)
    factor = min((columns - 2) / picture.shape[1], 2 * free / picture.shape[0], 1.0)
    size = (max(2, round(picture.shape[1] * factor)), max(2, round(picture.shape[0] * factor)))
    console.file.write(half_blocks(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)))
    console.print(Text(f"\n {text}\n {line}"))
