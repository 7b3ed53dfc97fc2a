"""A stage with a million jobs: one Odoo host on a database that is kept, whose
schedulers sleep, and the web client of an ordinary user."""

import threading
from pathlib import Path

from bench import Bench
from postgres import Postgres
from web_client import WebClient

#: See the seed in the addon `ap_sync_speed`.
LOGIN = "speed_user"


class SizedStage(Bench):
    """As a context manager. The database is where `dev` made it: it is too large to be
    copied to a PostgreSQL of its own for each run."""

    def __init__(self, given):
        self.given = given
        self.folder = Path(given.folder)
        self.database = given.database
        self.postgres = Postgres(Path(given.programs))
        self.hosts = []
        self._local = threading.local()

    def __enter__(self):
        self.hosts.append(self.make_host("sized", http_workers=1, cron_workers=0))
        self.host.start()
        self.client = WebClient(self.host.url, self.database, LOGIN, LOGIN)
        return self

    def __exit__(self, *_error):
        self.host.stop()
