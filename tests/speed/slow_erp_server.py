"""An ERP of a set speed, in a process of its own: every bill takes it so long, and it
takes so many at once; who sends more gets a 429.

    python3 slow_erp_server.py PORT LATENCY LIMIT

``POST /bills`` keeps a bill, one for each key; ``GET /stats`` tells what came;
``PUT /set`` changes ``latency`` (seconds), ``limit`` or ``down``, or has it forget
(``reset``) what came.
"""

import asyncio
import json
import sys
import time


class Erp:
    """What it was told and what came."""

    def __init__(self, latency, limit):
        self.latency = latency
        self.limit = limit
        self.down = False
        self.reset()

    def reset(self):
        self.bills = {}
        self.under_way = self.most_at_once = self.requests = self.refused = 0
        self.first_at = self.last_at = None

    async def answer(self, method, path, headers, body):
        """Return a status and data of JSON."""
        if path == "/stats":
            kept = len(self.bills)
            names = ("requests", "refused", "most_at_once", "first_at", "last_at")
            return 200, {"kept": kept} | {name: getattr(self, name) for name in names}
        if path == "/set":
            told = json.loads(body)
            if told.pop("reset", False):
                self.reset()
            for name, value in told.items():
                setattr(self, name, value)
            return 200, {}
        self.requests += 1
        self.first_at = self.first_at or time.time()
        if self.down:
            return 503, {}
        if self.under_way >= self.limit:
            self.refused += 1
            return 429, {}
        return 200, await self._keep(headers, json.loads(body))

    async def _keep(self, headers, document):
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        if self.latency:
            await asyncio.sleep(self.latency)
        self.under_way -= 1
        self.last_at = time.time()
        key = headers.get("idempotency-key") or document["key"]
        number = str(len(self.bills) + 1)
        return self.bills.setdefault(
            key,
            {
                "id": number,
                "number": f"SPEED/{number}",
                "reference": document["reference"],
                "accounting_date": document["accounting_date"],
                "currency": document["currency"],
                "total": document["total"],
                "vendor": str(document["vendor"]["local_id"]),
            },
        )


async def serve(erp, reader, writer):
    """Serve one connection, kept open if the client likes."""
    try:
        while line := await reader.readline():
            method, path, _version = line.decode().split()
            headers = {}
            while (line := await reader.readline()).strip():
                name, _, value = line.decode().partition(":")
                headers[name.strip().lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status, data = await erp.answer(method, path, headers, body)
            text = json.dumps(data).encode()
            close = headers.get("connection", "").lower() == "close"
            writer.write(
                f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\n"
                f"Connection: {'close' if close else 'keep-alive'}\r\n\r\n".encode()
                + text
            )
            await writer.drain()
            if close:
                break
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client is gone
    finally:
        writer.close()


async def main(port, latency, limit):
    erp = Erp(latency, limit)
    server = await asyncio.start_server(
        lambda reader, writer: serve(erp, reader, writer), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
