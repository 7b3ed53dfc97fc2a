"""An ERP that hangs: it accepts every connection and never answers."""

import contextlib
import socket
import threading


class HungErp:
    """A context manager; when it ends, all that wait for it are hung up on."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._held = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error):
        # `close` alone leaves a thread in `accept` asleep.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for held in self._held:
            held.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                held, _address = self._listener.accept()
                self._held.append(held)
