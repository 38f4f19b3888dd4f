"""The package as its first user meets it, without extras: every module can be imported, or names its extra."""

from __future__ import annotations

import importlib
import io
import pkgutil
import sys
from contextlib import redirect_stderr

import groundling
from groundling.cli import main as groundling_command
from groundling.errors import MissingPackageError

# Run by other processes, where what they need is installed.
WORKERS = ("groundling.envs.simulators.doom_worker", "groundling.__main__")
# Rooms that are all of one extra, and the command that names it.
OPTIONAL = {"groundling.playground.": "playground"}


def main() -> int:
    """Print what cannot be imported; 0 if there is nothing."""
    assert "site-packages" in groundling.__file__, f"{groundling.__file__} is the checkout, not what was installed"
    failed, left_out, count = [], set(), 0
    for module in pkgutil.walk_packages(groundling.__path__, "groundling."):
        room = next((room for room in OPTIONAL if module.name.startswith(room)), None)
        if module.name in WORKERS:
            continue
        if room is not None:
            left_out.add(room)
            continue
        count += 1
        try:
            importlib.import_module(module.name)
        except MissingPackageError as error:
            if "groundling[" not in str(error):
                failed.append(f"{module.name} names no extra: {error}")
        except ImportError as error:
            failed.append(f"{module.name} needs a package that is not required: {error}")
    failed += [fault for room in sorted(left_out) for fault in command_faults(OPTIONAL[room])]
    print("\n".join(failed) or f"{count} modules can be imported")
    return int(bool(failed))


def command_faults(command: str) -> list[str]:
    """What is wrong with the refusal of a command whose extra is not installed."""
    with redirect_stderr(io.StringIO()) as told:
        code = groundling_command([command])
    if code == 2 and f"groundling[{command}]" in told.getvalue():
        return []
    return [f"groundling {command} does not name its extra, it says: {told.getvalue()}"]


if __name__ == "__main__":
    sys.exit(main())
