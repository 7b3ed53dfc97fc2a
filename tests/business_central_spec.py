"""What a request to Business Central and its answer must look like: checked with
openapi-core, an unknown field refused.

Microsoft publishes a description of API v1.0 (BCOAS1.0.yaml) and documents v2.0 on
pages. So the fields and paths that are used are written down here by hand, of the
pages on v2.0, and where the published description is at hand (``AP_SYNC_SPECS``, or
``../shared/specs`` beside the checkout) it decides what type, length and nullability
each field has; ``V2_ONLY`` names what it does not know. Nothing is skipped without it.
"""

import copy
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://erp.test"
FILE = "bc1.yaml"

_LINE = {
    "id": "guid",
    "documentId": "guid",
    "sequence": "count",
    "accountId": "guid",
    "lineType": "text",
    "lineObjectNumber": "text",
    "description": "text 100",
    "unitCost": "number",
    "quantity": "number",
    "discountPercent": "number",
    "amountExcludingTax": "number",
    "taxCode": "text 50",
    "totalTaxAmount": "number",
    "amountIncludingTax": "number",
}
_DOCUMENT = {
    "id": "guid",
    "number": "text 20",
    "postingDate": "date",
    "dueDate": "date",
    "vendorId": "guid",
    "vendorNumber": "text 20",
    "vendorName": "text 100",
    "currencyCode": "text",
    "totalAmountExcludingTax": "number",
    "totalTaxAmount": "number",
    "totalAmountIncludingTax": "number",
    "status": "text",
    "lastModifiedDateTime": "moment",
}
#: Of each record the fields that are used, and their types; ``text 20`` is at most
#: 20 letters long, ``[x]`` a list of such records.
SHAPES = {
    "company": {"id": "guid", "name": "text 30", "displayName": "text 250"},
    "purchaseInvoice": {
        **_DOCUMENT,
        "invoiceDate": "date",
        "vendorInvoiceNumber": "text 35",
        "purchaseInvoiceLines": "[purchaseInvoiceLine]",
    },
    "purchaseInvoiceLine": _LINE,
    "purchaseCreditMemo": {
        **_DOCUMENT,
        "creditMemoDate": "date",
        "vendorCreditMemoNumber": "text 35",
        "paymentTermsId": "guid",
        "purchaseCreditMemoLines": "[purchaseCreditMemoLine]",
    },
    "purchaseCreditMemoLine": _LINE,
    "dimensionSetLine": {
        "id": "guid",
        "code": "text 20",
        "valueId": "guid",
        "valueCode": "text 20",
    },
    "documentAttachment": {
        "id": "guid",
        "fileName": "text 250",
        "byteSize": "count",
        "parentType": "text",
        "parentId": "guid",
    },
    "account": {
        "id": "guid",
        "number": "text 20",
        "displayName": "text 100",
        "category": "text",
        "blocked": "flag",
        "accountType": "text",
        "directPosting": "flag",
    },
    "vendor": {
        "id": "guid",
        "number": "text 20",
        "displayName": "text 100",
        "taxRegistrationNumber": "text 20",
        "blocked": "text",
    },
    "taxGroup": {
        "id": "guid",
        "code": "text 20",
        "displayName": "text 100",
        "taxType": "text",
    },
    "paymentTerm": {
        "id": "guid",
        "code": "text 10",
        "displayName": "text 100",
        "dueDateCalculation": "text",
    },
    "currency": {"id": "guid", "code": "text 10", "displayName": "text 30"},
    "dimension": {"id": "guid", "code": "text 20", "displayName": "text 30"},
    "dimensionValue": {
        "id": "guid",
        "code": "text 20",
        "dimensionId": "guid",
        "displayName": "text 50",
    },
    "generalLedgerSetup": {
        "id": "guid",
        "allowPostingFrom": "date",
        "allowPostingTo": "date",
        "localCurrencyCode": "text",
    },
}
#: What the published description of v1.0 does not have, and the pages on v2.0 do.
V2_ONLY = {
    "purchaseInvoice": {"postingDate"},
    "purchaseInvoiceLine": {"lineObjectNumber"},
    "account": {"accountType", "directPosting"},
    "dimensionValue": {"dimensionId"},
    **{
        name: set(SHAPES[name])
        for name in (
            "purchaseCreditMemo",
            "purchaseCreditMemoLine",
            "dimensionSetLine",
            "documentAttachment",
            "generalLedgerSetup",
        )
    },
}

_C = "/companies({company_id})/"
_SETS = {
    "purchaseInvoices": "purchaseInvoice",
    "purchaseCreditMemos": "purchaseCreditMemo",
    "accounts": "account",
    "vendors": "vendor",
    "taxGroups": "taxGroup",
    "paymentTerms": "paymentTerm",
    "currencies": "currency",
    "dimensions": "dimension",
    "dimensionValues": "dimensionValue",
    "generalLedgerSetup": "generalLedgerSetup",
}
_TYPES = {
    "guid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "number": {"type": "number"},
    "count": {"type": "integer"},
    "flag": {"type": "boolean"},
}


def published() -> dict | None:
    """Return Microsoft's description, or nothing where it is not at hand."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "specs"
    folders = [os.environ.get("AP_SYNC_SPECS"), beside]
    for folder in filter(None, folders):
        file = Path(folder) / FILE
        if file.is_file():
            return _without_nulls(yaml.load(file.read_text(), Loader=_Loader))
    return None


class Spec:
    """Checks requests and answers.

    :param description: Microsoft's, or nothing.
    """

    def __init__(self, description: dict | None):
        document = copy.deepcopy(description) if description else _empty()
        document["servers"] = [{"url": HOST}]
        known = document["components"]["schemas"]
        bodies = document["components"].get("requestBodies", {})
        for name, shape in SHAPES.items():
            theirs = known.get(name, {}).get("properties", {})
            known[name] = {
                "type": "object",
                "properties": {
                    field: _merged(theirs.get(field), kind)
                    for field, kind in shape.items()
                },
                "additionalProperties": False,
            }
            if name in bodies:  # the same once more there, and open
                bodies[name]["content"] = _json({"$ref": _schema(name)})
        for path, methods in _paths().items():
            item = document["paths"].setdefault(path, {"parameters": _ids(path)})
            for method, operation in methods.items():
                item.setdefault(method, operation)
        self.document = document
        self._openapi = OpenAPI.from_dict(
            document, config=Config(spec_validator_cls=None)
        )

    def request_problem(self, request) -> str:
        """Return what is wrong with a request, or nothing.

        :param request: a ``connector_server.Request`` whose path begins after the
            API's root.
        """
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        path = unquote(parts.path)
        try:
            self._openapi.validate_request(self._mock(request))
        except OpenAPIError as error:
            return f"{request.method} {path}: {_told(error)}"
        unknown = set(query) - self._options(request, path)
        if unknown:
            return f"{request.method} {path}: unknown options {sorted(unknown)}"
        return ""

    def answer_problem(self, request, status, body, kind="application/json") -> str:
        """Return what is wrong with an answer that is no error, or nothing.

        :param body: as bytes, without OData's annotations.
        """
        answer = MockResponse(body, status_code=status, content_type=kind)
        try:
            self._openapi.validate_response(self._mock(request), answer)
        except OpenAPIError as error:
            return f"answer to {request.method} {request.path}: {_told(error)}"
        return ""

    def _mock(self, request):
        parts = urlsplit(request.path)
        return MockRequest(
            HOST,
            request.method.lower(),
            unquote(parts.path),
            args=dict(parse_qsl(parts.query)),
            headers=dict(request.headers),
            data=request.body or None,
            content_type=request.headers.get("content-type", ""),
        )

    def _options(self, request, path):
        """Return the query options that the description lists for a set or record."""
        base = path.rpartition("/")[2].partition("(")[0]
        item = self.document["paths"].get(_C + base) or {}
        rows = [*item.get("parameters", ()), *item.get("get", {}).get("parameters", ())]
        names = {"$skiptoken"}  # of the links to next pages, which the ERP makes
        for row in rows:
            if "$ref" in row:
                name = row["$ref"].rpartition("/")[2]
                row = self.document["components"]["parameters"][name]
            names.add(row["name"])
        return names if request.method == "GET" else set()


def _merged(theirs, kind):
    """Return the field's type: theirs where there is one. A date is one in v2.0, the
    description of v1.0 calls it a date-time (and the API took dates then as well)."""
    made = _made(kind)
    if theirs is None or kind.startswith("["):
        return made
    field = {name: value for name, value in theirs.items() if name != "description"}
    if kind == "date":
        field["format"] = "date"
    if kind == "guid" and "format" not in field:
        field.update(_TYPES["guid"])
    return field


def _made(kind):
    if kind.startswith("["):
        return {"type": "array", "items": {"$ref": _schema(kind[1:-1])}}
    if kind.startswith("text"):
        length = kind.partition(" ")[2]
        limit = {"maxLength": int(length)} if length else {}
        return {"type": "string", "nullable": True, **limit}
    return {**_TYPES[kind], "nullable": True}


def _paths():
    """Return the operations that are used, as OpenAPI has them."""
    paths = {"/companies": {"get": _list("company")}}
    for name, record in _SETS.items():
        paths[_C + name] = {"get": _list(record)}
    for name in ("purchaseInvoices", "purchaseCreditMemos"):
        record = _SETS[name]
        one = f"{_C}{name}({{{record}_id}})"
        paths[_C + name]["post"] = _write(record, 201)
        paths[one] = {"get": _answers(record), "delete": _nothing()}
        paths[f"{one}/Microsoft.NAV.post"] = {"post": _nothing()}
        paths[f"{one}/documentAttachments"] = {"get": _list("documentAttachment")}
        dimensions = f"{_C}{record}Lines({{line_id}})/dimensionSetLines"
        paths[dimensions] = {
            "get": _list("dimensionSetLine"),
            "post": _write("dimensionSetLine", 201),
        }
        paths[f"{dimensions}({{dimension_id}})"] = {
            "patch": _write("dimensionSetLine", 200)
        }
    paths[f"{_C}documentAttachments"] = {"post": _write("documentAttachment", 201)}
    bytes_ = {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
    }
    paths[f"{_C}documentAttachments({{file_id}})/attachmentContent"] = {
        "get": {
            "responses": {
                "200": {"description": "", "content": bytes_},
                "204": {"description": "nothing in it yet"},
            }
        },
        "patch": {**_nothing(), "requestBody": {"required": True, "content": bytes_}},
    }
    return paths


def _ids(path):
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    return [
        {"name": name, "in": "path", "required": True, "schema": _TYPES["guid"]}
        for name in names
    ]


def _schema(record):
    return f"#/components/schemas/{record}"


def _json(schema):
    return {"application/json": {"schema": schema}}


def _answers(record, status=200):
    content = _json({"$ref": _schema(record)})
    return {"responses": {str(status): {"description": "", "content": content}}}


def _list(record):
    rows = {"type": "array", "items": {"$ref": _schema(record)}}
    schema = {"type": "object", "properties": {"value": rows}, "required": ["value"]}
    options = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("$filter", "$top", "$expand")
    ]
    answer = {"description": "", "content": _json(schema)}
    return {"parameters": options, "responses": {"200": answer}}


def _write(record, status):
    body = {"required": True, "content": _json({"$ref": _schema(record)})}
    return {**_answers(record, status), "requestBody": body}


def _nothing():
    return {"responses": {"204": {"description": ""}}}


def _empty():
    return {
        "openapi": "3.0.0",
        "info": {"title": "Business Central", "version": "2.0"},
        "paths": {},
        "components": {"schemas": {}, "parameters": {}},
    }


def _told(error):
    causes = [str(error)]
    inner = error.__cause__
    while inner:
        causes.append(str(inner))
        causes += [str(one.message) for one in getattr(inner, "schema_errors", ())]
        inner = inner.__cause__
    return "; ".join(causes)[:600]


def _without_nulls(value):
    """Drop the nulls that some lists of parameters hold, and make texts of the numbers
    that statuses are: neither can be loaded."""
    if isinstance(value, dict):
        return {str(name): _without_nulls(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value if inner is not None]
    return value


class _Loader(yaml.SafeLoader):
    """Leaves dates the texts they are."""


_Loader.yaml_implicit_resolvers = {
    letter: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
    for letter, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
