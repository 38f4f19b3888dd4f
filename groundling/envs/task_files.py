"""The files and modules that tasks are written in: imported once, told apart, and read."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import marshal
import re
import sys
import traceback
import types
import zlib
from pathlib import Path
from typing import Any

from groundling.errors import TaskError


def import_file(path: Path) -> types.ModuleType:
    """Import a file of tasks, once.

    Its folder is added to the end of ``sys.path``, so that it can import its neighbors.

    Raises:
        TaskError: if there is no such file, or it raises; the message names the line.
    """
    path = path.resolve()
    name = f"groundling_file_{re.sub(r'[^A-Za-z0-9]', '_', path.stem)}_{zlib.crc32(str(path).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise TaskError(f"there is no file of tasks {path}")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TaskError(_import_failure(path, error)) from error
    return module


def import_module(name: str) -> types.ModuleType:
    """Import a module of tasks.

    Raises:
        TaskError: if it cannot be imported; the message names the line.
    """
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise TaskError(_import_failure(None, error, name)) from error


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
    for relation in vars(cls).get("relations", ()):
        if isinstance(relation.holds, types.FunctionType):
            methods[str(relation)] = relation.holds
    return b"".join(name.encode() + marshal.dumps(methods[name].__code__) for name in sorted(methods))


def read_code(file: str | None) -> bytes:
    """A file as it is; nothing if there is none."""
    return Path(file).read_bytes() if file else b""
