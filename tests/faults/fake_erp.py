"""An ERP of our own in a process of its own, that breaks as it is told.

    python3 fake_erp.py PORT LEDGER

One process plays many ERPs, each at ``/BEHAVIOUR/NAME``: ``keys`` keeps one bill for
one ``Idempotency-Key``, ``lookup`` keeps whatever it is sent but can be asked, ``none``
can't be asked either. All that happens is appended to LEDGER, a line of JSON each, in
the order in which it happened; nothing is ever taken back, so a second bill can't hide.

``PUT /_script/NAME`` sets what the next writes meet: a list of faults, see ``Fault``.
``PUT /_chaos/NAME`` has each write meet one at random; ``PUT /_plant/NAME`` puts in a
bill that somebody else entered there.
"""

import gzip
import json
import random
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BEHAVIOURS = ("keys", "lookup", "none")
#: What a write may meet in a chaos run, and how often among the faults.
CHAOS = [
    ({"do": "reset", "when": "before"}, 3),
    ({"do": "reset", "when": "after"}, 4),
    ({"do": "status", "status": 429, "headers": {"Retry-After": "1"}}, 2),
    ({"do": "status", "status": 503}, 2),
    ({"do": "status", "status": 503, "headers": {"Retry-After": "1"}}, 1),
    ({"do": "status", "status": 500, "when": "after"}, 3),
    ({"do": "delay", "when": "before", "seconds": 0.8}, 2),
    ({"do": "delay", "when": "after", "seconds": 0.8}, 2),
    ({"do": "late", "seconds": 1.2}, 3),
    ({"do": "truncate", "when": "after"}, 2),
    ({"do": "html", "when": "after"}, 1),
    ({"do": "html", "when": "before"}, 1),
    ({"do": "wrong_id", "when": "after"}, 1),
    ({"do": "status", "status": 422, "body": {"error": "validation"}}, 1),
]


class Fault(dict):
    """``do``: reset, close, status, delay, late, drip, truncate, html, empty, bomb,
    huge or wrong_id. ``when``: ``before`` (default) or ``after`` the bill is kept.
    Further: ``seconds``, ``status``, ``headers``, ``body``; ``on``: ``write``
    (default) or ``lookup``."""

    def meets(self, on):
        return self.get("on", "write") == on

    @property
    def after(self):
        return self.get("when") == "after"


class Erp:
    """The bills of one ERP."""

    def __init__(self, behaviour, name):
        self.behaviour = behaviour
        self.name = name
        self.bills = {}
        self.script = []
        self.chaos = None

    def next_fault(self, on):
        for place, fault in enumerate(self.script):
            if fault.meets(on):
                return self.script.pop(place)
        if self.chaos and on == "write":
            rate, dice = self.chaos
            if dice.random() < rate:
                faults, weights = zip(*CHAOS, strict=True)
                fault = Fault(dice.choices(faults, weights)[0])
                # A wrong id shows when the bill is read again, so not in this one.
                blind = self.behaviour == "none" and fault["do"] == "wrong_id"
                return Fault(do="") if blind else fault
        return Fault(do="")

    def keep(self, document, key):
        """Keep a bill and return it; an ERP that honours keys keeps one for each."""
        if self.behaviour == "keys":
            for bill in self.bills.values():
                if bill["key"] == key:
                    return bill, False
        number = str(len(self.bills) + 1)
        bill = {
            "id": f"{self.name}-{number}",
            "number": f"FAKE/{number}",
            "key": key,
            "kind": document["kind"],
            "reference": document["reference"],
            "vendor": str(document["vendor"]["local_id"]),
            "accounting_date": document["accounting_date"],
            "currency": document["currency"],
            "total": document["total"],
        }
        self.bills[bill["id"]] = bill
        return bill, True


class World:
    """All ERPs and their ledger."""

    def __init__(self, path):
        self.lock = threading.RLock()
        self.erps = {}
        self._restore(path)
        self._ledger = open(path, "a", buffering=1, encoding="utf-8")

    def get(self, behaviour, name):
        with self.lock:
            return self.erps.setdefault(name, Erp(behaviour, name))

    def note(self, event, erp, **values):
        row = {"time": time.time(), "event": event, "erp": erp.name, **values}
        with self.lock:
            self._ledger.write(json.dumps(row) + "\n")

    def _restore(self, path):
        """An ERP that was down has its bills still."""
        try:
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    if row["event"] == "kept":
                        erp = self.get(row["behaviour"], row["erp"])
                        erp.bills[row["bill"]["id"]] = row["bill"]
        except FileNotFoundError:
            pass


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    world: World

    def log_message(self, *_args):
        """Quiet: the ledger tells it all."""

    def do_PUT(self):
        kind, name = self.path.strip("/").split("/")[:2]
        if kind in BEHAVIOURS:
            self._write("update")
            return
        told = json.loads(self._body())
        with self.world.lock:
            erp = self.world.get(told.get("behaviour", "keys"), name)
            if kind == "_script":
                erp.script = [Fault(fault) for fault in told["faults"]]
            elif kind == "_plant":
                erp.bills[told["bill"]["id"]] = told["bill"]
            else:
                erp.chaos = told["rate"], random.Random(told["seed"])
        self._answer(200, {})

    def do_POST(self):
        self._write("create")

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path == "/_alive":
            self._answer(200, {})
            return
        behaviour, name, *rest = parts.path.strip("/").split("/")
        erp = self.world.get(behaviour, name)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        fault = erp.next_fault("lookup")
        self.world.note("asked", erp, **asked)
        if fault["do"]:
            self._strike(erp, fault, [])
            return
        if len(rest) == 2:
            bill = erp.bills.get(rest[1])
            self._answer(200 if bill else 404, bill or {})
        elif behaviour == "none":
            self._answer(404, {})
        else:
            self._answer(200, self._find(erp, asked))

    def _find(self, erp, asked):
        with self.world.lock:
            bills = list(erp.bills.values())
        found = [bill for bill in bills if bill["key"] == asked["key"]]
        return found or [
            bill
            for bill in bills
            if (bill["vendor"], bill["reference"], bill["kind"])
            == (asked["vendor"], asked.get("reference", ""), asked["kind"])
        ]

    def _write(self, event):
        behaviour, name, *rest = self.path.strip("/").split("/")
        erp = self.world.get(behaviour, name)
        document = json.loads(self._body())
        key = self.headers["Idempotency-Key"]
        attempt = self.headers["X-Attempt-Id"]
        with self.world.lock:
            fault = erp.next_fault("write")
        self.world.note(
            "asked_to_write", erp, key=key, attempt=attempt, fault=dict(fault)
        )

        def keep():
            with self.world.lock:
                if event == "update":
                    bill, new = erp.bills[rest[1]], True
                    bill.update(
                        reference=document["reference"],
                        total=document["total"],
                        key=key,
                    )
                else:
                    bill, new = erp.keep(document, key)
                if new:
                    what = "kept" if event == "create" else "changed"
                    self.world.note(
                        what, erp, behaviour=behaviour, attempt=attempt, bill=dict(bill)
                    )
            return bill

        if fault["do"] == "late":
            threading.Timer(fault["seconds"], keep).start()
            self._reset()
        elif fault["do"] == "delay" and not fault.after:
            time.sleep(fault["seconds"])
            self._answer(201, keep())
        elif fault["do"] and not fault.after:
            self._strike(erp, fault, {})
        elif fault["do"]:
            self._strike(erp, fault, keep())
        else:
            self._answer(201, keep())
        self.world.note("done", erp, attempt=attempt)

    def _strike(self, erp, fault, answer):
        """Answer wrongly, or not at all."""
        match fault["do"]:
            case "reset":
                self._reset()
            case "close":
                self.close_connection = True
            case "status":
                body = fault.get("body", {"error": "scripted"})
                self._answer(fault["status"], body, fault.get("headers", {}))
            case "delay":
                time.sleep(fault["seconds"])
                self._answer(201, answer)
            case "drip":
                self._drip(answer, fault["seconds"])
            case "truncate":
                self._answer(201, answer, cut=20)
            case "html":
                self._answer(200, "<html><body>Please sign in</body></html>")
            case "empty":
                self._answer(200, "")
            case "bomb":
                packed = gzip.compress(bytes(fault["megabytes"] * 1_000_000))
                self._answer(200, packed, {"Content-Encoding": "gzip"})
            case "huge":
                self._huge(fault["megabytes"])
            case "wrong_id":
                self._answer(201, {**answer, "id": f"{erp.name}-999999"})

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status, data, headers=None, cut=0):
        if isinstance(data, bytes):
            body, kind = data, "application/json"
        elif isinstance(data, str):
            body, kind = data.encode(), "text/html"
        else:
            body, kind = json.dumps(data).encode(), "application/json"
        sent = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
            **(headers or {}),
        }
        self.close_connection = True
        try:
            self.send_response(status)
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) - cut])
        except OSError:
            pass  # who asked is gone

    def _drip(self, answer, seconds):
        self.close_connection = True
        text = json.dumps(answer)
        head = f"HTTP/1.1 201 Created\r\nContent-Length: {len(text)}\r\n\r\n"
        end = time.monotonic() + seconds
        try:
            for byte in (head + text).encode():
                if time.monotonic() > end:
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.3)
        except OSError:
            pass

    def _huge(self, megabytes):
        self.close_connection = True
        try:
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
            )
            for _ in range(megabytes):
                self.wfile.write(b" " * 1_000_000)
        except OSError:
            pass

    def _reset(self):
        self.close_connection = True
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        # Closed here, not by the server, which would shut it down in peace first.
        self.connection.close()
        self.wfile = self.rfile = open("/dev/null", "r+b", buffering=0)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_args):
        """Who asked was killed: that is what this is for."""


def main(port, ledger):
    Handler.world = World(ledger)
    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
