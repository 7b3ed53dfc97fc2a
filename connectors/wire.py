"""The socket under an HTTP call: opened at a checked address, under one deadline for
all it does, with a limit on what is read."""

import io
import socket
import time
import zlib

from .base import ConnectorError, Outcome

_CHUNK = 65536


class Wire:
    """The socket as ``http.client`` wants it, under one deadline for everything.

    A time-out of a socket starts anew with every byte; here each wait gets only what
    is left, so that a server which drips is cut off like a silent one.
    """

    def __init__(self, sock, end):
        self._sock = sock
        self._end = end
        self._held = []
        self.written = False

    def sendall(self, data):
        """Keep it until ``flush``: ``http.client`` gives head and body apart, and two
        packets are two waits, for the ERP and for the interpreter's lock."""
        self._held.append(data)

    def flush(self):
        view = memoryview(b"".join(self._held))
        self._held.clear()
        while view:
            self._wait()
            # Before the call, not after: part of it may be out when it raises.
            self.written = True
            view = view[self._sock.send(view[:_CHUNK]) :]

    def makefile(self, *_args, **_options):
        return io.BufferedReader(_Reader(self))

    def read_into(self, buffer):
        self._wait()
        return self._sock.recv_into(buffer)

    def close(self):
        """Nothing: ``http.client`` closes before it reads the body, trusting that a
        real socket stays open until its file is closed as well."""

    def shut(self):
        self._sock.close()

    def _wait(self):
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)


class _Reader(io.RawIOBase):
    def __init__(self, wire):
        self._wire = wire

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._wire.read_into(buffer)


class Unreadable(Exception):
    """The answer is cut off, too long or packed in a way nobody asked for."""


def first_open(rows, target, end):
    """Return a socket connected to the first address that takes the connection.

    :param rows: what ``addresses.resolve`` returned.
    :raise ConnectorError: ``erp_unavailable``, not sent, when none does until ``end``.
    """
    for left, (family, kind, protocol, _name, address) in zip(
        range(len(rows), 0, -1), rows, strict=True
    ):
        # What time there is, is shared, so that one dead address of several does not
        # use it up.
        wait = max(0.001, (end - time.monotonic()) / left)
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError:
            continue
        try:
            sock.settimeout(wait)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            return sock
        except OSError:
            sock.close()
    raise ConnectorError(
        "erp_unavailable",
        f"{target.shown} cannot be reached.",
        Outcome.NOT_SENT,
    )


def read_body(response, max_bytes):
    """Return the unpacked body, or raise as soon as it is longer than allowed."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip"):
        raise Unreadable
    unpack = zlib.decompressobj(31) if "gzip" in coding else None
    parts, size = [], 0
    while chunk := response.read1(_CHUNK):
        while chunk:
            # Unpacked piece by piece: 200 kB can unfold to 200 MB.
            part = unpack.decompress(chunk, _CHUNK) if unpack else chunk
            chunk = unpack.unconsumed_tail if unpack else b""
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise Unreadable
    if unpack:
        parts.append(unpack.flush())
    # Of a body that ends before its announced length read1 says nothing.
    if response.length or (unpack and size and not unpack.eof):
        raise Unreadable
    return b"".join(parts)
