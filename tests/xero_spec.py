"""Checks of requests and answers against what Xero has published.

With Xero's OpenAPI descriptions at hand (``AP_SYNC_SPECS``, or ``shared/specs`` beside
the checkout) they are checked by ``openapi-core``: parameters, types, enumerations,
lengths, and that there is no field that Xero does not know. Without them by the models
of Xero's own client library, which know fields, types, enumerations and lengths.
"""

import functools
import json
import os
import re
import warnings
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from xero_python import identity
from xero_python.accounting import models

HOST = "https://api.xero.com"
BASE = "/api.xro/2.0"
BINARY = "application/octet-stream"
#: The client library's model of each body, by the last fixed part of the path.
_MODELS = {
    "Invoices": models.Invoices,
    "CreditNotes": models.CreditNotes,
    "Contacts": models.Contacts,
    "Accounts": models.Accounts,
    "TaxRates": models.TaxRates,
    "TrackingCategories": models.TrackingCategories,
    "Organisation": models.Organisations,
    "Currencies": models.Currencies,
    "Attachments": models.Attachments,
}


class SpecFault(AssertionError):
    """What is not as Xero has published it."""


def make_checker():
    """Return the stricter of the two checkers that can be had here."""
    folder = _folder()
    return _described(folder) if folder else ByModels()


def _folder():
    given = os.environ.get("AP_SYNC_SPECS")
    # The addon is linked by its name: the checkout is where the link leads to.
    checkout = Path(__file__).resolve().parent.parent
    for folder in filter(None, [given, checkout.parent / "shared" / "specs"]):
        if (Path(folder) / "xero_accounting.yaml").is_file():
            return Path(folder)
    return None


@functools.cache
def _described(folder):
    return ByDescription(folder)


class ByDescription:
    """``openapi-core`` with Xero's descriptions."""

    def __init__(self, folder):
        accounting = _load(folder / "xero_accounting.yaml")
        connections = _load(folder / "xero-identity.yaml")
        self._paths = {BASE: accounting["paths"], "": connections["paths"]}
        self._shared = accounting["components"]["parameters"]
        self._answers = {BASE: _open(accounting), "": _open(connections)}
        for spec in (accounting, connections):
            _close_objects(spec)
        self._requests = {BASE: _open(accounting), "": _open(connections)}

    def request(self, request):
        """Raise ``SpecFault`` unless the request is as described."""
        base, made = self._made(request)
        self._check_query(base, made, request)
        self._run(self._requests[base].validate_request, made)

    def answer(self, request, data, status):
        """Raise ``SpecFault`` unless the answer is as described."""
        base, made = self._made(request)
        body = MockResponse(json.dumps(data).encode(), status_code=status)
        self._run(self._answers[base].validate_response, made, body)

    def _made(self, request):
        parts = urlsplit(request.path)
        kind = request.headers.get("content-type", "application/json")
        made = MockRequest(
            HOST,
            request.method.lower(),
            parts.path,
            args=dict(parse_qsl(parts.query)),
            headers=request.headers,
            data=request.body or None,
            content_type=kind,
        )
        return (BASE if parts.path.startswith(BASE) else ""), made

    def _check_query(self, base, made, request):
        """openapi-core lets unknown parameters pass."""
        path = urlsplit(request.path).path.removeprefix(base)
        for template, item in self._paths[base].items():
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
                operation = item.get(request.method.lower()) or {}
                given = operation.get("parameters", []) + item.get("parameters", [])
                known = {self._name(parameter) for parameter in given}
                if unknown := set(made.parameters.query) - known:
                    raise SpecFault(f"{template} has no parameters {unknown}")

    def _name(self, parameter):
        if "$ref" in parameter:
            parameter = self._shared[parameter["$ref"].rpartition("/")[2]]
        return parameter["name"]

    def _run(self, check, *args):
        try:
            with warnings.catch_warnings():
                # The scheme of the tokens is none that it can check.
                warnings.simplefilter("ignore")
                check(*args)
        except OpenAPIError as error:
            causes = getattr(error.__cause__, "schema_errors", None) or [error]
            raise SpecFault(
                f"{type(error).__name__}: {error}: "
                + "; ".join(str(cause)[:300] for cause in causes)
            ) from error


class ByModels:
    """The models of Xero's client library, and the headers that it always sends."""

    def request(self, request):
        """Raise ``SpecFault`` unless the body fits the model."""
        path = urlsplit(request.path).path
        if path == "/Connections":
            return
        if not request.headers.get("xero-tenant-id"):
            raise SpecFault("the header xero-tenant-id is missing")
        if len(request.headers.get("idempotency-key", "")) > 128:
            raise SpecFault("the Idempotency-Key is too long")
        if request.body and request.headers["content-type"] != BINARY:
            _fill(self._model(path), json.loads(request.body), strict=True)

    def answer(self, request, data, status):
        """Raise ``SpecFault`` unless the answer fits the model."""
        path = urlsplit(request.path).path
        if path == "/Connections":
            for row in data:
                _fill(identity.models.Connection, row, strict=True)
        elif status == 200:
            _fill(self._model(path), data, strict=False)
        else:
            _fill(models.Error, data, strict=False)

    def _model(self, path):
        names = [part for part in unquote(path).split("/") if part in _MODELS]
        if not names or not path.startswith(BASE):
            raise SpecFault(f"no such path: {path}")
        return _MODELS[names[-1]]


def _fill(model, data, strict):
    """Make the model of the data, which checks it; refuse fields that it lacks."""
    if issubclass(model, Enum):
        if data not in {one.value for one in model}:
            raise SpecFault(f"{data!r} is no {model.__name__}")
        return data
    if not isinstance(data, dict):
        raise SpecFault(f"{data!r} is no {model.__name__}")
    names = {given: name for name, given in model.attribute_map.items()}
    if strict and (unknown := data.keys() - names.keys()):
        raise SpecFault(f"{model.__name__} has no {unknown}")
    values = {}
    for given, value in data.items():
        if given in names:
            kind = model.openapi_types[names[given]]
            values[names[given]] = _convert(kind, value, strict)
    try:
        return model(**values)
    except ValueError as error:
        raise SpecFault(f"{model.__name__}: {error}") from error


def _convert(kind, value, strict):
    if found := re.fullmatch(r"list\[(\w+)\]", kind):
        if not isinstance(value, list):
            raise SpecFault(f"{value!r} is no list")
        return [_convert(found[1], one, strict) for one in value]
    if hasattr(models, kind):
        return _fill(getattr(models, kind), value, strict)
    wanted = {"float": (int, float), "int": int, "bool": bool}.get(kind, str)
    is_bool = isinstance(value, bool)
    if not isinstance(value, wanted) or (is_bool and kind != "bool"):
        raise SpecFault(f"{value!r} is no {kind}")
    return value


class _Loader(yaml.SafeLoader):
    """YAML without its dates: a description's examples stay texts."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
if hasattr(yaml, "CSafeLoader"):

    class _Loader(yaml.CSafeLoader):  # noqa: F811
        yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _load(path):
    return yaml.load(path.read_text(), _Loader)


def _open(spec):
    # The description itself is not ours to judge.
    return OpenAPI.from_dict(
        json.loads(json.dumps(spec)), config=Config(spec_validator_cls=None)
    )


def _close_objects(node):
    """Let no object of the description have fields that it does not name. Files are
    described as texts; of bytes there is nothing to check."""
    if isinstance(node, dict):
        if BINARY in node:
            node[BINARY] = {}
        if (
            isinstance(node.get("properties"), dict)
            and "additionalProperties" not in node
        ):
            node["additionalProperties"] = False
        for value in node.values():
            _close_objects(value)
    elif isinstance(node, list):
        for value in node:
            _close_objects(value)
