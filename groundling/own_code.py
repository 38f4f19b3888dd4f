"""Code of a user's own: files and modules that are named on a command line, imported once, told apart, and read."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
import types
import zlib
from pathlib import Path
from typing import Any

from groundling.errors import ExtensionError
from groundling.trust import permit


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
        UntrustedCodeError: if only a received file names it.
    """
    place, _, name = text.rpartition(":")
    permit(place, text)
    return (import_file(Path(place).expanduser()) if place.endswith(".py") else import_module(place)), name


def import_place(text: str) -> Any:
    """What stands at a place, ``"my_file.py:Name"`` or ``"package.module:Name"``.

    Raises:
        ExtensionError: if the file or module cannot be imported, or has nothing of this name.
        UntrustedCodeError: if only a received file names it.
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


def reference_of(cls: type[Any], name: str = "") -> str:
    """The place at which another process finds a class, or what its module registers under another name.

    Empty if there is none: the class is of a script that runs, of a notebook, or of a function.
    """
    if cls.__module__ == "__main__" or "." in cls.__qualname__:
        return ""
    place = inspect.getfile(cls) if is_of_file(cls) else cls.__module__
    return f"{place}:{name or cls.__qualname__}"


def origin_of(cls: type[Any]) -> tuple[str, str]:
    """Where a class was written: its file if there is one, so that a file imported twice defines the same classes."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return (str(Path(file).resolve()) if file else cls.__module__), cls.__qualname__


def code_of(cls: type[Any]) -> bytes:
    """The file of a class; of one that is typed at a prompt, or may be, what its methods do and read."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    text = read_code(file) if file is not None and Path(file).is_file() else b""
    if text and cls.__module__ != "__main__":
        return text
    members = [_code_of_member(name, value) for name, value in sorted(vars(cls).items()) if name not in _UNREAD]
    members += [_code_of_member(str(own), own.holds) for own in vars(cls).get("relations", ())]
    return text + "".join(members).encode()


_UNREAD = ("__doc__", "__module__", "__firstlineno__")


def _code_of_member(name: str, value: Any) -> str:
    """A method with its defaults and the plain values that it reads of its module, or a plain attribute."""
    if isinstance(value, property):
        parts = [part for part in (value.fget, value.fset, value.fdel) if part is not None]
        return "".join(_code_of_member(name, part) for part in parts)
    function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    if not isinstance(function, types.FunctionType):
        return f"{name}={_plain(value)}"
    code = function.__code__
    read = {key: function.__globals__[key] for key in sorted(_names_in(code)) if key in function.__globals__}
    own = [f"{key}={_plain(found)}" for key, found in read.items()]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return f"{name} {_plain(code)} {own} {[_plain(default) for default in defaults]}"


def _plain(value: Any) -> str:
    """A value as text that is the same in every process: its type, where no more can be told."""
    if isinstance(value, types.CodeType):  # what it does, not the lines on which it stands
        consts = [_plain(part) for part in value.co_consts]
        return repr((value.co_code, consts, value.co_names, value.co_varnames, value.co_freevars))
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, bool | int | float | complex | str | bytes | type(None)):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def _names_in(code: types.CodeType) -> set[str]:
    """The names that a function reads, those of the functions inside of it included."""
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


def read_code(file: str | None) -> bytes:
    """A file as it is; nothing if there is none."""
    return Path(file).read_bytes() if file else b""
