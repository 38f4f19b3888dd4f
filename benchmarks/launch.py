"""How every benchmark is launched: its options from the command line, and a mistake told in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import tyro

from groundling.errors import GroundlingError

Options = TypeVar("Options")


def launch(main: Callable[[Options], object], options: type[Options], doc: str | None) -> None:
    """Run a benchmark; ``--help`` shows its module's text. Exits with 2 after a mistake that an error explains."""
    try:
        main(tyro.cli(options, description=doc))
    except ModuleNotFoundError as error:
        told = f"it needs the package {error.name}, which is not installed: --help says how to get it"
    except GroundlingError as error:
        told = str(error)
    else:
        return
    print(f"{Path(sys.argv[0]).stem}: {told}", file=sys.stderr)
    sys.exit(2)
