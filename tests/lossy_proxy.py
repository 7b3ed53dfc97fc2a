"""A TCP proxy in front of a real ERP that can lose or spoil answers: what no ERP can
be asked to do by itself."""

import contextlib
import socket
import threading


class LossyProxy:
    """Forwards connections on loopback to a server; closed by ``close``.

    ``lose(text)`` makes it swallow the answer to the next request that contains the
    text (a path): the server gets the request whole and answers, the client sees the
    connection end. ``lose(text, answer=...)`` sends these bytes instead.
    """

    def __init__(self, host, port):
        self._target = (host, port)
        self._to_lose = []
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def lose(self, text, answer=b""):
        self._to_lose.append((text.encode(), answer))

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client):
        """Serve one connection: the connectors use one for each request."""
        with client, socket.create_connection(self._target, timeout=60) as server:
            request = _read_message(client, without=0)  # a GET has no body
            server.sendall(request)
            answer = _read_message(server)
            for text, instead in self._to_lose:
                if text in request.split(b"\r\n", 1)[0]:
                    self._to_lose.remove((text, instead))
                    self.lost += 1
                    with contextlib.suppress(OSError):  # the client had enough
                        client.sendall(instead)
                    return
            client.sendall(answer)


def _read_message(connection, without=None):
    """Return one HTTP message.

    :param without: the length of a body whose head tells none; ``None``: it goes on
        until the end.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _blank, body = data.partition(b"\r\n\r\n")
    length = without
    for line in head.split(b"\r\n")[1:]:
        name, _colon, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while length is None or len(body) < length:
        part = connection.recv(65536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body
