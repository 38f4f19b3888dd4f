"""Code of a user's own: files and modules that are named on a command line, imported once, told apart, and read."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import marshal
import re
import sys
import traceback
import types
import zlib
from pathlib import Path
from typing import Any

from groundling.errors import ExtensionError


def is_place(text: str) -> bool:
    """Whether a text is of the form ``"my_file.py:Name"`` or ``"package.module:Name"``."""
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name.isidentifier():
        return False
    return place.endswith(".py") or all(part.isidentifier() for part in place.split("."))


def split_place(text: str) -> tuple[types.ModuleType, str]:
    """The module of a place, imported, and the name that is looked for in it.

    Raises:
        ExtensionError: if the file or module cannot be imported; the message names the line.
    """
    place, _, name = text.rpartition(":")
    return (import_file(Path(place).expanduser()) if place.endswith(".py") else import_module(place)), name


def import_place(text: str) -> Any:
    """What stands at a place, ``"my_file.py:Name"`` or ``"package.module:Name"``.

    Raises:
        ExtensionError: if the file or module cannot be imported, or has nothing of this name.
    """
    module, name = split_place(text)
    if not hasattr(module, name):
        place = text.rpartition(":")[0]
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        close = difflib.get_close_matches(name, own, n=3, cutoff=0.5) or own
        raise ExtensionError(f"{place} has no {name!r}; it has {', '.join(close) or 'nothing of its own'}")
    return getattr(module, name)


def import_file(path: Path) -> types.ModuleType:
    """Import a file, once.

    Its folder is added to the end of ``sys.path``, so that it can import its neighbors.

    Raises:
        ExtensionError: if there is no such file, or it raises; the message names the line.
    """
    path = path.resolve()
    name = f"groundling_file_{re.sub(r'[^A-Za-z0-9]', '_', path.stem)}_{zlib.crc32(str(path).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ExtensionError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ExtensionError(_import_failure(path, error)) from error
    return module


def import_module(name: str) -> types.ModuleType:
    """Import a module.

    Raises:
        ExtensionError: if it cannot be imported; the message names the line.
    """
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise ExtensionError(_import_failure(None, error, name)) from error


def _import_failure(path: Path | None, error: BaseException, name: str = "") -> str:
    """One line that names the file and line in which an import failed."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    own = [frame for frame in frames if path is not None and Path(frame.filename) == path]
    shown = own or [frame for frame in frames if frame.filename != __file__]
    if not shown:
        return f"{path or name} cannot be imported: {told}"
    return f"{shown[-1].filename}, line {shown[-1].lineno}: {told}"


def is_of_file(cls: type[Any]) -> bool:
    """Whether a class came by :func:`import_file`."""
    return cls.__module__.startswith("groundling_file_")


def origin_of(cls: type[Any]) -> tuple[str, str]:
    """Where a class was written: its file if there is one, so that a file imported twice defines the same classes."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return (str(Path(file).resolve()) if file else cls.__module__), cls.__qualname__


def code_of(cls: type[Any]) -> bytes:
    """The file of a class; the compiled code of its methods where there is no file, as in a notebook."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is not None and Path(file).is_file():
        return read_code(file)
    methods = {name: value for name, value in vars(cls).items() if isinstance(value, types.FunctionType)}
    return b"".join(name.encode() + marshal.dumps(methods[name].__code__) for name in sorted(methods))


def read_code(file: str | None) -> bytes:
    """A file as it is; nothing if there is none."""
    return Path(file).read_bytes() if file else b""
