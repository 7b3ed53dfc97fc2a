"""More posted bills than are worth making one by one: copies of the pool's, by SQL."""

TABLES = {
    "account_move": "id",
    "account_move_line": "move_id",
    "ap_sync_job": "move_id",
}
#: How far the ids of a copy are from those before: further than any bill's own.
SHIFT = "n * 100000"
#: One transaction, for which no foreign key is checked a million times.
COPY = """
SET LOCAL session_replication_role = replica;
INSERT INTO {table} ({names})
SELECT {values} FROM {table}, generate_series({first}, {last}) n
 WHERE {key} IN (SELECT id FROM account_move WHERE ref LIKE 'POOL-%%-______')
   {where}
 ORDER BY n, {table}.id
"""
TEXT = "|| '-' || lpad(n::text, 4, '0')"


def have(stage, count):
    """Return the ids of so many posted bills: the pool's, then copies of these, which
    are made when there are too few."""
    pool = len(stage.pool)
    made = _count(stage) // pool
    wanted = -(-count // pool)
    if made < wanted:
        move = {"id": f"id + {SHIFT}", "name": f"name {TEXT}"}
        move["ref"] = f"ref {TEXT}"
        line = {"move_id": f"move_id + {SHIFT}"}
        copies = {"first": made, "last": wanted - 1}
        _copy(stage, "account_move", move, **copies)
        _copy(stage, "account_move_line", line, **copies)
        stage.sql(
            "SELECT setval('account_move_id_seq', (SELECT max(id) FROM account_move))"
        )
        _look(stage)
    rows = stage.sql(
        "SELECT id FROM account_move WHERE ref LIKE 'POOL-%%' ORDER BY id LIMIT %s",
        count,
    )
    return [row["id"] for row in rows]


def submit(stage, connection, count):
    """Give so many bills jobs that wait on a parked connection: those of the pool by
    Sync, the others by copies of these jobs. Returns the bills' ids."""
    bills = have(stage, count)
    for first in range(0, min(count, len(stage.pool)), 500):
        stage.submit(connection, bills[first : first + 500][: count - first])
    if count > len(stage.pool):
        values = {
            "move_id": f"move_id + {SHIFT}",
            "reference": f"reference {TEXT}",
            "bill_name": f"bill_name {TEXT}",
            "key": "gen_random_uuid()::text",
        }
        _copy(
            stage,
            "ap_sync_job",
            values,
            first=1,
            last=-(-count // len(stage.pool)) - 1,
            where=f"AND connection_id = {int(connection)}",
        )
        stage.sql(
            "DELETE FROM ap_sync_job WHERE connection_id = %s AND move_id > %s",
            connection,
            bills[-1],
        )
        _look(stage)
    return bills


def _count(stage):
    (row,) = stage.sql("SELECT count(*) FROM account_move WHERE ref LIKE 'POOL-%%'")
    return row["count"]


def _copy(stage, table, changed, first, last, where=""):
    """Copy the pool's rows once for each ``n``, with other values where given."""
    rows = stage.sql(
        """
        SELECT column_name FROM information_schema.columns
         WHERE table_name = %s AND column_name != 'id' OR column_name = ANY(%s)
         GROUP BY 1
        """,
        table,
        list(changed),
    )
    names = [row["column_name"] for row in rows]
    # The texts are all of this file; no value comes from outside.
    stage.sql(
        COPY.format(
            table=table,
            key=f"{table}.{TABLES[table]}",
            names=", ".join(names),
            values=", ".join(changed.get(name, f"{table}.{name}") for name in names),
            first=first,
            last=last,
            where=where,
        )
    )


def _look(stage):
    """Have PostgreSQL look at the tables, as autovacuum would have done over time."""
    for table in TABLES:
        stage.sql(f"ANALYZE {table}")
