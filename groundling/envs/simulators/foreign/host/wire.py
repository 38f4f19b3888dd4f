"""Messages over a socket."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any


def read(connection: socket.socket, count: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: if the other side is gone.
    """
    parts = []
    while count:
        part = connection.recv(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def send_message(connection: socket.socket, value: Any) -> None:
    """A value behind the byte "m" and its length."""
    raw = pickle.dumps(value, protocol=4)
    connection.sendall(b"m" + struct.pack("<I", len(raw)) + raw)


def read_message(connection: socket.socket) -> Any:
    """A value, after its first byte was read."""
    (length,) = struct.unpack("<I", read(connection, 4))
    return pickle.loads(read(connection, length))
