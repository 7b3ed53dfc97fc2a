"""Odoo's web client as the server sees it: a session, and the calls its views make."""

import json
import re
import time
import urllib.request
import xml.etree.ElementTree as ET
from typing import NamedTuple

#: As `relational_model.js` of Odoo's web client has them.
PAGE, COUNT_LIMIT = 80, 10_000
AGGREGATABLE = {"float", "integer", "monetary"}
#: A field that a column's widget needs, as the options of AP Sync's badge name it, or
#: as the widget itself does.
NEEDED = re.compile(r"'\w+_field': '(\w+)'")
NEEDED_BY_WIDGET = {"ap_sync_mapped_record": ["local_name"]}


class View(NamedTuple):
    """What the web client makes of views: the model's fields, the names of those that
    the list asks for, of those among them that only a widget needs, the list's order,
    and the search view."""

    fields: dict
    names: list
    needed: set
    order: str
    search: ET.Element


class WebClient:
    """A browser that has logged in.

    :param companies: the ids of the companies that are ticked.
    """

    def __init__(self, url, database, login, password):
        self._url = url
        self._cookie = None
        session, _cost = self._post(
            "/web/session/authenticate",
            {"db": database, "login": login, "password": password},
        )
        self.context = {
            **session["user_context"],
            "tz": "UTC",
            "allowed_company_ids": sorted(
                map(int, session["user_companies"]["allowed_companies"])
            ),
        }
        self.uid = session["uid"]
        self._views = {}

    def call(self, model, method, /, *args, **kwargs):
        """Call a method as the web client does.

        :return: the result, and ``{"rpc": seconds, "sql": seconds, "queries": n}``.
        """
        context = {**self.context, **kwargs.pop("context", {})}
        return self._post(
            f"/web/dataset/call_kw/{model}/{method}",
            {
                "model": model,
                "method": method,
                "args": args,
                "kwargs": {**kwargs, "context": context},
            },
        )

    # -- What views ask

    def list_page(
        self, model, domain, *, view=None, limit=PAGE, order="", without=None
    ):
        """What a list asks when it opens: a page of records and their number.

        :param without: how the names of columns begin that are left out.
        """
        specification = self._specification(model, view)
        if without:
            specification = {
                name: value
                for name, value in specification.items()
                if not name.startswith(without)
            }
        return self.call(
            model,
            "web_search_read",
            domain=domain,
            specification=specification,
            offset=0,
            order=order or self._view(model, view).order,
            limit=limit,
            count_limit=COUNT_LIMIT + 1,
            context={"bin_size": True},
        )

    def list_groups(self, model, domain, groupby, view=None):
        """What a list asks when it is grouped."""
        return self.call(
            model,
            "web_read_group",
            domain=domain,
            groupby=[groupby],
            aggregates=self._aggregates(model, view),
            limit=PAGE,
            offset=0,
            order="",
            auto_unfold=False,
            opening_info=[],
            unfold_read_specification=self._specification(model, view),
            unfold_read_default_limit=PAGE,
            groupby_read_specification={},
            context={"read_group_expand": True},
        )

    def groups(self, model, domain, groupby, aggregates, is_graph=False, **options):
        """What tiles and graphs ask; graphs have empty weeks filled in.

        :param options: ``order`` and ``limit`` of the groups.
        """
        return self.call(
            model,
            "formatted_read_group",
            domain=domain,
            groupby=groupby,
            aggregates=aggregates,
            context={"fill_temporal": True} if is_graph else {},
            **options,
        )

    def search_view(self, model):
        """Return the search view of a model, parsed."""
        return self._view(model, None).search

    def _specification(self, model, view):
        fields, names, needed = self._view(model, view)[:3]
        spec = {}
        for name in names:
            kind = fields[name]["type"]
            spec[name] = {}
            if kind in {"many2one", "reference", "many2many", "one2many"}:
                spec[name] = {"fields": {} if name in needed else {"display_name": {}}}
        return spec

    def _aggregates(self, model, view):
        fields, names = self._view(model, view)[:2]
        shown = {
            name: fields[name]
            for name in names
            if fields[name].get("aggregator") and fields[name]["type"] in AGGREGATABLE
        }
        found = [f"{name}:{field['aggregator']}" for name, field in shown.items()]
        for name, field in shown.items():
            if field.get("currency_field"):
                found += [
                    f"{field['currency_field']}:array_agg_distinct",
                    f"{name}:sum_currency",
                ]
        return list(dict.fromkeys(found))

    def _view(self, model, view):
        """Return the list view of a model, read once, as ``View``."""
        key = model, view
        if key not in self._views:
            answer, _cost = self.call(
                model,
                "get_views",
                views=[[False, "list"], [False, "search"]],
                options={"toolbar": True},
                context={"list_view_ref": view} if view else {},
            )
            arch = ET.fromstring(answer["views"]["list"]["arch"])
            columns, needed = _asked(arch)
            self._views[key] = View(
                answer["models"][model]["fields"],
                list(dict.fromkeys([*columns, *needed])),
                set(needed) - set(columns),
                _to_order(arch.get("default_order", "")),
                ET.fromstring(answer["views"]["search"]["arch"]),
            )
        return self._views[key]

    def _post(self, path, params):
        body = json.dumps(
            {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        )
        request = urllib.request.Request(
            self._url + path,
            data=body.encode(),
            headers={"Content-Type": "application/json"},
        )
        if self._cookie:
            request.add_header("Cookie", self._cookie)
        started = time.perf_counter()
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        seconds = time.perf_counter() - started
        for name, value in answer.getheaders():
            if name == "Set-Cookie" and value.startswith("session_id="):
                self._cookie = value.partition(";")[0]
        data = json.loads(text)
        if "error" in data:
            raise AssertionError(f"{path}: {data['error']['data']['debug']}")
        return data["result"], {
            "rpc": seconds,
            "sql": float(answer.headers.get("X-Speed-Sql-Seconds", 0)),
            "queries": int(answer.headers.get("X-Speed-Queries", 0)),
        }


def _asked(arch):
    """Return the names of a list's columns, and of what is needed besides: by their
    widgets, or never seen, of which the web client asks no names (`getFieldsSpec` of
    its `relational_model/utils.js`)."""
    columns, needed = [], []
    for node in arch.iter("field"):
        hidden = {node.get("column_invisible"), node.get("invisible")} & {"True", "1"}
        (needed if hidden else columns).append(node.get("name"))
        needed += NEEDED.findall(node.get("options", ""))
        needed += NEEDED_BY_WIDGET.get(node.get("widget"), [])
    return columns, needed


def _to_order(default_order):
    """Return an order of a view as the web client sends it."""
    terms = [term.split() for term in default_order.split(",") if term]
    return ", ".join(f"{name} {(way or ['ASC'])[0].upper()}" for name, *way in terms)
