"""What is in the wheel and in the source distribution of a folder: all that a user needs, nothing else, and small."""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_WHEEL_BYTES = 6_000_000
MOST_SOURCE_BYTES = 12_000_000
NEEDED_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md", "constraints.txt")


def main(folder: Path) -> int:
    """Print what is wrong; 0 if nothing is."""
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    wrong = [*wheel_faults(wheel), *source_faults(source)]
    for fault in wrong:
        print(fault, file=sys.stderr)
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in (wheel, source))
    print(f"{sizes}: {'as they should be' if not wrong else f'{len(wrong)} faults'}")
    return int(bool(wrong))


def wheel_faults(path: Path) -> list[str]:
    """Files that lack, files too many, and a wheel that is too large."""
    with zipfile.ZipFile(path) as file:
        names = set(file.namelist())
        (metadata,) = [file.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    package = ROOT / "groundling"
    sources = (place for place in package.rglob("*") if place.is_file() and "__pycache__" not in place.parts)
    needed = {str(place.relative_to(ROOT)) for place in sources}
    lacking = sorted(needed - names)
    others = sorted(name for name in names - needed if not re.match(r"groundling-[^/]+\.dist-info/", name))
    faults = [f"the wheel lacks {name}" for name in lacking] + [f"the wheel has {name}" for name in others]
    faults += [f"the wheel has no {name}" for name in ("groundling/py.typed",) if name not in names]
    if not any(name.startswith("groundling/assets/") for name in names):
        faults.append("the wheel has no trained agent")
    if path.stat().st_size > MOST_WHEEL_BYTES:
        faults.append(f"the wheel has {path.stat().st_size:,} bytes, more than {MOST_WHEEL_BYTES:,}")
    return faults + requirement_faults(metadata)


def requirement_faults(metadata: str) -> list[str]:
    """Packages that every user gets without a lower bound, or with an upper one."""
    told = [line.partition(": ")[2] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    faults = []
    for requirement in (requirement for requirement in told if "extra ==" not in requirement):
        if ">=" not in requirement:
            faults.append(f"{requirement} has no lower bound")
        if re.search(r"<|==|~=", requirement):
            faults.append(f"{requirement} has an upper bound, which keeps it from going together with others")
    return faults if told else ["the wheel requires nothing"]


def source_faults(path: Path) -> list[str]:
    """Files that lack, and a source distribution that is too large."""
    with tarfile.open(path) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    faults = [f"the source distribution lacks {name}" for name in NEEDED_SOURCES if name not in names]
    kinds: Sequence[tuple[str, Callable[[str], bool]]] = (
        ("the package", lambda name: name.startswith("groundling/")),
        ("tests", lambda name: name.startswith("tests/")),
        ("the manual", lambda name: name.startswith("docs/")),
    )
    faults += [f"the source distribution lacks {what}" for what, is_one in kinds if not any(map(is_one, names))]
    faults += [f"the source distribution has {name}" for name in names if name.startswith((".venv", "runs/", "build/"))]
    if path.stat().st_size > MOST_SOURCE_BYTES:
        faults.append(f"the source distribution has {path.stat().st_size:,} bytes, more than {MOST_SOURCE_BYTES:,}")
    return faults


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
