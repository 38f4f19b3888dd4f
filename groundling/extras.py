"""Packages that only an extra of Groundling's brings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from groundling.errors import MissingPackageError


@contextmanager
def brought_by(extra: str, what: str, kind: type[MissingPackageError] = MissingPackageError) -> Iterator[None]:
    """Around imports of packages that may be missing.

    Args:
        extra: the extra that brings them, such as ``"hub"``.
        what: needs them, and which: the beginning of the message.
        kind: the exception.

    Raises:
        MissingPackageError: of that kind, if one cannot be imported; the message says why, and names the extra.
    """
    try:
        yield
    except MissingPackageError:
        raise
    except ImportError as error:
        raise kind(f"{what} ({error}): pip install 'groundling[{extra}]'") from error
