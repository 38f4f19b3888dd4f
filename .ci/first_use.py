"""The package as its first user meets it, without extras: every module can be imported, or names its extra."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import groundling
from groundling.errors import MissingPackageError

# Run by other processes, where what they need is installed.
WORKERS = ("groundling.envs.simulators.doom_worker", "groundling.__main__")


def main() -> int:
    """Print what cannot be imported; 0 if there is nothing."""
    assert "site-packages" in groundling.__file__, f"{groundling.__file__} is the checkout, not what was installed"
    failed, count = [], 0
    for module in pkgutil.walk_packages(groundling.__path__, "groundling."):
        if module.name in WORKERS:
            continue
        count += 1
        try:
            importlib.import_module(module.name)
        except MissingPackageError as error:
            if "groundling[" not in str(error):
                failed.append(f"{module.name} names no extra: {error}")
        except ImportError as error:
            failed.append(f"{module.name} needs a package that is not required: {error}")
    print("\n".join(failed) or f"{count} modules can be imported")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
