"""A minute is a second here: leases, retries and the breaker in a time that a test
can wait for. What is compared stays in proportion."""

import os
from datetime import timedelta

from odoo.addons.ap_sync.engine import lease, schedule
from odoo.addons.ap_sync.models import ap_sync_connection_late, ap_sync_job_evaluate

#: A real ERP on a busy machine needs more than ten seconds for what it was sent.
LEASE_SECONDS = int(os.environ.get("AP_SYNC_FAULTS_LEASE", "10"))


def set_up():
    schedule.STEPS = [timedelta(seconds=step) for step in (1, 2, 3, 5, 8)]
    schedule.WINDOW = timedelta(seconds=90)
    schedule.BREAKER_STEPS = [timedelta(seconds=step) for step in (1, 1, 2)]
    schedule.BREAKER_LONG = timedelta(seconds=60)
    schedule.LEASE = timedelta(seconds=LEASE_SECONDS)
    schedule.LEASE_MARGIN = timedelta(seconds=2)
    ap_sync_job_evaluate.LOOK_AGAIN = timedelta(seconds=3)
    lease.PROBE_EVERY = timedelta(seconds=5)
    ap_sync_connection_late.LATE = timedelta(seconds=5)
