"""A small client of Odoo's JSON-2 API, for checks that go through the front door."""

import json
import urllib.error
import urllib.request

from ui import DevError

TIMEOUT_SECONDS = 60


class OdooClient:
    """Calls model methods of one Odoo with an API key."""

    def __init__(self, url: str, database: str, api_key: str):
        self.url = url
        self.database = database
        self._api_key = api_key

    def call(self, model: str, method: str, **arguments: object) -> object:
        """Call a method with named arguments only (`ids`, `context` among them).

        :raises DevError: with Odoo's own message.
        """
        request = urllib.request.Request(
            f"{self.url}/json/2/{model}/{method}",
            data=json.dumps(arguments).encode(),
            headers={
                "Authorization": f"bearer {self._api_key}",
                "Content-Type": "application/json",
                "X-Odoo-Database": self.database,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise DevError(
                f"Odoo answered {error.code} to {model}.{method}: {_message(error)}"
            ) from error
        except OSError as error:
            raise DevError(
                f"Odoo at {self.url} does not answer ({error}): see its log."
            ) from error


def enable_currency(client: OdooClient, code: str) -> int:
    """Activate a currency and return its id."""
    [currency] = client.call(
        "res.currency",
        "search",
        domain=[["name", "=", code]],
        context={"active_test": False},
    )
    client.call("res.currency", "write", ids=[currency], vals={"active": True})
    return currency


def _message(error: urllib.error.HTTPError) -> str:
    """Odoo's message; its `debug` holds a traceback nobody asked for."""
    try:
        return json.load(error)["message"]
    except (ValueError, KeyError, TypeError):
        return error.reason
