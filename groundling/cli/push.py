"""Publish a run's agent on the Hugging Face Hub, with a model card of its results: settings and parameters, no code.

Others name it hub:USER/NAME wherever a RUN is named: `groundling watch hub:USER/NAME`. What was published there of an
earlier agent is removed. config.json and evaluation*.json are published as they are, with the paths of this machine
that they name: look at them with --output first. See docs/hub.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundling.errors import ConfigurationError
from groundling.eval.publishing import push_to_hub, write_published
from groundling.files import folder_written_whole
from groundling.hub import HubPlace, local_run


@dataclass
class Command:
    """Publish an agent. Its evaluation goes onto the card: run `groundling evaluate RUN --suite all` first.

    Attributes:
        run_folder: folder of the run.
        repository: the repository, USER/NAME; a new one is made. USER/NAME@BRANCH writes to a branch that is there.
        private: make a new repository that only you see.
        license: the license of the agent, by an identifier that the hub knows.
        whole: also publish what training goes on from, so that others can resume the run; several times as large.
        message: message of the commit.
        output: only write the files into this new folder, to look at them; nothing is sent.
    """

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    repository: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="USER/NAME")]]
    private: bool = False
    license: str = "mit"
    whole: bool = False
    message: str = ""
    output: Path | None = None

    def run(self) -> None:
        """Write the files, send them, say where they are."""
        place = HubPlace.parse(self.repository)
        run = local_run(self.run_folder)
        if self.output is not None:
            if self.output.exists() and not self.output.is_dir():
                raise ConfigurationError(f"{self.output} is a file: choose a new folder for --output")
            if self.output.exists() and any(self.output.iterdir()):
                raise ConfigurationError(f"{self.output} is not empty: choose a new folder for --output")
            with folder_written_whole(self.output) as folder:
                published = write_published(run, folder, place.repository, license=self.license, whole=self.whole)
            if published.note:
                print(f"note: {published.note}")
            print(f"Files: {self.output}")
            return
        address = push_to_hub(
            run,
            self.repository,
            private=self.private,
            license=self.license,
            message=self.message,
            whole=self.whole,
        )
        print(f"Published: {address}")
        print(f"Others run: groundling watch {place}")
