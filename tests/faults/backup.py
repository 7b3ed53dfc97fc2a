"""Backups of the bench's database: fill it from one, make one, put one back."""

import shell


def fill(postgres, database, dump):
    """Make a database of a dump.

    :param postgres: the ``Postgres`` to make it in; has no database of that name.
    """
    programs = postgres.programs
    shell.run(
        [
            *(programs / "psql", "-d", postgres.dsn("postgres")),
            *("-c", f'CREATE DATABASE "{database}"'),
        ],
        error="The bench's database can't be made.",
    )
    shell.run(
        [
            *(programs / "pg_restore", "--no-owner", "--exit-on-error"),
            *("-d", postgres.dsn(database), dump),
        ],
        error="The bench's database can't be filled.",
    )
    # A fresh one is not known to the planner; autovacuum comes too late for that.
    shell.run(
        [programs / "psql", "-d", postgres.dsn(database), "-c", "ANALYZE"],
        error="The bench's database can't be analyzed.",
    )


def make(bench):
    """Back the bench's database up while all runs; return the dump."""
    dump = bench.folder / "backup.dump"
    shell.run(
        [
            *(bench.postgres.programs / "pg_dump", "-Fc", "-Z1"),
            *("-d", bench.postgres.dsn(bench.database), "-f", dump),
        ],
        error="The bench's database can't be backed up.",
    )
    return dump


def put_back(bench, dump):
    """Have a backup in the database's place. Nobody may use it; sessions are ended.

    It is filled under another name, so that whoever comes meanwhile (the bench's own
    clock) meets the old one or the new one, never half of one.
    """
    name = f"{bench.database}_restored"
    fill(bench.postgres, name, dump)
    connection = bench.connect("postgres")
    with connection.cursor() as cr:
        cr.execute(f'DROP DATABASE "{bench.database}" WITH (FORCE)')
        cr.execute(f'ALTER DATABASE "{name}" RENAME TO "{bench.database}"')
    connection.close()
