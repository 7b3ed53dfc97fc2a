"""Databases with their filestores: make, copy, rename, drop.

A database and its filestore (`data/filestore/NAME`) are one thing here. The database
is what counts: a filestore without one is left over from an interrupted step.
"""

import os
import shutil
import time
from pathlib import Path

import paths
from locks import named_lock
from postgres import Postgres
from ui import DevError

COPY_TRIES = 10
UNUSED_SECONDS = 3600


class Databases:
    """The databases of one cluster, for one `data_dir` of Odoo."""

    def __init__(self, postgres: Postgres):
        self.postgres = postgres
        self.data_dir = paths.subfolder("data", postgres.folder.name)

    def filestore(self, name: str) -> Path:
        """Where Odoo keeps the files of a database."""
        return self.data_dir / "filestore" / name

    def names(self, prefix: str = "") -> list[str]:
        """The databases whose names begin with `prefix`."""
        rows = self.postgres.sql("SELECT datname FROM pg_database ORDER BY 1")
        return [row[0] for row in rows if row[0].startswith(prefix)]

    def create(self, name: str) -> None:
        """Make an empty database for Odoo to fill."""
        self.drop(name)
        self.postgres.sql(
            f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'"
            " LC_COLLATE 'C'"
        )
        # Odoo does so in the databases it makes itself. A PostgreSQL from pip does
        # not carry the extension, and Odoo then makes plain indexes.
        offered = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
        if self.postgres.sql(offered):
            self.postgres.sql("CREATE EXTENSION IF NOT EXISTS pg_trgm", name)
        self.filestore(name).mkdir(parents=True)

    def copy(self, source: str, target: str) -> None:
        """Make `target` a copy of a template, with its filestore.

        :raises DevError: when PostgreSQL refuses for more than a few seconds.
        """
        self.drop(target)
        # Files are named by their content and never changed in place, so the copy
        # may share them: a link costs neither time nor room.
        shutil.copytree(
            self.filestore(source), self.filestore(target), copy_function=os.link
        )
        for attempt in range(COPY_TRIES):
            try:
                self.postgres.sql(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
                break
            except DevError as error:
                # Autovacuum visits templates too, for a moment.
                busy = "being accessed by other users" in error.details
                if not busy or attempt == COPY_TRIES - 1:
                    raise
                time.sleep(0.5)

    def publish(self, name: str, template: str) -> None:
        """Make a finished database a template, in one step nobody sees half done."""
        shutil.rmtree(self.filestore(template), ignore_errors=True)
        self.filestore(name).rename(self.filestore(template))
        self.postgres.sql(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false;')
        self.postgres.sql(f'ALTER DATABASE "{name}" RENAME TO "{template}"')

    def drop(self, name: str) -> None:
        """Drop a database and its filestore, whoever is connected; none is fine."""
        self.postgres.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        shutil.rmtree(self.filestore(name), ignore_errors=True)

    def used_now(self, template: str) -> None:
        """Note that a template was used, for `prune`."""
        os.utime(self.filestore(template))

    def prune(self, prefix: str, keep: int) -> None:
        """Drop the templates with a prefix that were not used for longest; but none
        that somebody is busy with, or was a while ago: others may be about to copy it.
        """

        def last_used(name: str) -> float:
            try:
                return self.filestore(name).stat().st_mtime
            except FileNotFoundError:
                return 0

        for name in sorted(self.names(prefix), key=last_used, reverse=True)[keep:]:
            lock = named_lock(name)
            if time.time() - last_used(name) > UNUSED_SECONDS and lock.acquire(
                blocking=False
            ):
                self.drop(name)
            lock.release()
