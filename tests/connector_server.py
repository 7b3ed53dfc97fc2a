"""A small HTTP server that answers as a test scripts it, also wrongly.

It listens on 127.0.0.1 at a free port, keeps every request it got, and ends with the
``with`` block it was opened in, whatever a step still waits for.
"""

import gzip
import json
import socket
import socketserver
import struct
import threading
from dataclasses import dataclass

MAX_REQUEST = 50_000_000


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class ScriptedServer:
    """``with ScriptedServer(reply({}), reset()) as server:`` answers the first call
    with ``{}``, and every later one by resetting the connection.

    A step is a function of the connection's socket, the request and the event that
    is set when the server stops.

    :param read: whether requests are read at all.
    :param context: an ``ssl.SSLContext`` makes it an https server.
    """

    def __init__(self, *steps, context=None, read=True):
        self.requests = []
        self._steps = list(steps)
        self._context = context
        self._read = read
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer._handle(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 50

            def handle_error(self, *_args):
                """Clients hang up on purpose here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        ).start()
        return self

    def __exit__(self, *_error):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def paths(self):
        return [request.path for request in self.requests]

    def _handle(self, sock):
        sock.settimeout(20)
        if self._context:
            sock = self._context.wrap_socket(sock, server_side=True)
        request = self._receive(sock) if self._read else None
        with self._lock:
            if self._read:
                self.requests.append(request)
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        step(sock, request, self._stopping)
        sock.close()

    def _receive(self, sock):
        data = b""
        while b"\r\n\r\n" not in data:
            part = sock.recv(65536)
            if not part:
                raise ConnectionError
            data += part
        head, _end, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        headers = {name.lower(): value for name, value in headers.items()}
        size = min(int(headers.get("content-length", 0)), MAX_REQUEST)
        while len(body) < size:
            body += sock.recv(65536)
        method, path, _version = lines[0].split(" ")
        return Request(method, path, headers, body)


def reply(data, status=200, **headers):
    """Answer with JSON, or with the bytes or text given."""
    return lambda sock, _request, _stop: sock.sendall(message(data, status, **headers))


def answer(function):
    """Answer with what a function of the request returns: data, or data and status."""

    def step(sock, request, _stop):
        result = function(request)
        result = result if isinstance(result, tuple) else (result, 200)
        sock.sendall(message(*result))

    return step


def reset(part=b""):
    """Send the beginning of an answer, then reset the connection (RST)."""

    def step(sock, _request, _stop):
        if part:
            sock.sendall(part)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return step


def raw(data):
    """Send these bytes and hang up."""
    return lambda sock, _request, _stop: sock.sendall(data)


def hang(seconds=20.0):
    """Say nothing for so long, then hang up."""
    return lambda _sock, _request, stop: stop.wait(seconds)


def drip(data, pause=0.3, size=1, start=0):
    """Send the bytes before ``start`` at once, the others few by few."""

    def step(sock, _request, stop):
        sock.sendall(data[:start])
        for place in range(start, len(data), size):
            if stop.wait(pause):
                return
            sock.sendall(data[place : place + size])

    return step


def message(data, status=200, **headers):
    """Return a whole HTTP answer as bytes; ``Retry_After`` becomes Retry-After."""
    if isinstance(data, str):
        body, kind = data.encode(), "text/html; charset=utf-8"
    elif isinstance(data, bytes):
        body, kind = data, "application/octet-stream"
    else:
        body, kind = json.dumps(data).encode(), "application/json"
    given = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **given}
    lines = [f"HTTP/1.1 {status} Scripted"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def bomb(megabytes):
    """Return gzip data that unpacks to so many million zeros."""
    return gzip.compress(bytes(megabytes * 1_000_000))
