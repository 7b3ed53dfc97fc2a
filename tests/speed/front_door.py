"""What a web server in front of Odoo's workers does: websockets go to the port that is
for them, all else to the workers."""

import asyncio
import threading

from servers import free_port

WEBSOCKET = b" /websocket"


class FrontDoor:
    """A context manager.

    :param host: the `OdooHost` behind it.
    """

    def __init__(self, host):
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        started = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(started, self._loop).result(10)
        return self

    def __exit__(self, *_error):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _serve(self, reader, writer):
        """A connection is for one port: a browser opens a new one for a websocket."""
        try:
            line = await reader.readline()
            port = self._host.port
            if WEBSOCKET in line:
                port = self._host.gevent_port
            there_reader, there = await asyncio.open_connection("127.0.0.1", port)
            there.write(line)
            await asyncio.gather(_pass(reader, there), _pass(there_reader, writer))
        except OSError:
            writer.close()


async def _pass(reader, writer):
    """Pass on what comes, until one side is gone."""
    try:
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
