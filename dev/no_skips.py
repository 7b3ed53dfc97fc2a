"""A pytest plugin for `dev test`: a test that is skipped has not been passed.

Odoo skips a browser test when Chromium takes more than ten seconds to start, which on
a busy machine it does; here it gets a minute, and a skip fails the run.
"""

import odoo.tests.common

BROWSER_TRIES = 600  # of 0.1 s each

_skipped = []


def pytest_configure(config):
    """Wait longer for the browser."""
    odoo.tests.common.CHECK_BROWSER_ITERATIONS = BROWSER_TRIES


def pytest_runtest_logreport(report):
    """Note what is skipped, and why."""
    if report.skipped:
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session, exitstatus):
    """Fail a run that skipped something."""
    if _skipped and not exitstatus:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    """Say so."""
    if _skipped:
        terminalreporter.write_line(
            f"{len(_skipped)} skipped, and what is skipped is not passed: see above."
        )
