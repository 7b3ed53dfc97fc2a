from odoo.http import Controller, request, route


class ApSyncHealth(Controller):
    """How the sync is doing, for monitoring."""

    @route(
        "/ap_sync/health",
        type="http",
        auth="bearer",
        methods=["GET"],
        readonly=True,
        save_session=False,
    )
    def health(self):
        """Return the metrics of the connections that the key's user may see, in
        Prometheus' text format.

        :raise AccessError: when the user is none of AP Sync (HTTP status 403; without
            a key it is 401).
        """
        metrics = request.env["ap.sync.connection"]._get_metrics()
        return request.make_response(
            render(metrics),
            headers=[
                ("Content-Type", "text/plain; version=0.0.4; charset=utf-8"),
                ("Cache-Control", "no-store"),
            ],
        )


def render(metrics):
    """Return gauges as text in Prometheus' exposition format 0.0.4.

    :param metrics: iterable of ``(name, help, samples)``; a sample is
        ``({label: value}, number)``.
    """
    lines = []
    for name, text, samples in metrics:
        lines.append(f"# HELP {name} {_escape(text)}")
        lines.append(f"# TYPE {name} gauge")
        for labels, number in samples:
            pairs = ",".join(
                f'{label}="{_escape(str(value), quote=True)}"'
                for label, value in labels.items()
            )
            lines.append(f"{name}{{{pairs}}} {number}")
    return "\n".join(lines) + "\n"


def _escape(text, quote=False):
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text
