"""The ceiling: a bare thread pool that sends bodies which are made already.

    python3 ceiling.py BODIES URL THREADS

Prints the seconds it took. Knows no Odoo, no database, keeps nothing.
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests


def main(path, url, threads):
    with open(path, encoding="utf-8") as lines:
        bodies = [json.loads(line) for line in lines]
    local = threading.local()

    def send(body):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
        answer = local.session.post(f"{url}/bills", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()["id"]

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        kept = len(set(pool.map(send, bodies)))
    seconds = time.perf_counter() - started
    if kept != len(bodies):
        sys.exit(f"only {kept} of {len(bodies)} bills were kept")
    print(seconds)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
