"""What a Business Central keeps: its master data, and purchase documents with their
lines, dimensions, files, statuses and e-tags. It refuses what the real one refuses, in
the words of the labels in the base application's published source."""

import itertools
import uuid
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
COMPANY = "c0c0c0c0-0000-4000-8000-000000000001"
OTHER_COMPANY = "c0c0c0c0-0000-4000-8000-000000000002"
VENDOR = "a0a0a0a0-0000-4000-8000-00000000002a"
OTHER_VENDOR = "a0a0a0a0-0000-4000-8000-00000000002b"
ACCOUNT = "b0b0b0b0-0000-4000-8000-000000000061"
BLOCKED_ACCOUNT = "b0b0b0b0-0000-4000-8000-000000000062"
DIMENSION = "d0d0d0d0-0000-4000-8000-000000000001"
OTHER_DIMENSION = "d0d0d0d0-0000-4000-8000-000000000002"
NORTH = "e0e0e0e0-0000-4000-8000-000000000001"
SOUTH = "e0e0e0e0-0000-4000-8000-000000000002"
PROJECT = "e0e0e0e0-0000-4000-8000-000000000003"
TERM = "f0f0f0f0-0000-4000-8000-000000000001"

#: By the name of a set: its lines, number, date, type, and word in messages.
KINDS = {
    "purchaseInvoices": (
        "purchaseInvoiceLines",
        "vendorInvoiceNumber",
        "invoiceDate",
        "Purchase Invoice",
        "Invoice",
    ),
    "purchaseCreditMemos": (
        "purchaseCreditMemoLines",
        "vendorCreditMemoNumber",
        "creditMemoDate",
        "Purchase Credit Memo",
        "Credit Memo",
    ),
}
NO_DAY = "0001-01-01"


class Refused(Exception):
    """What the ERP answers instead: a code, a message and a status."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def dialog(message):
    return Refused("Application_DialogException", message)


class Books:
    """One company's. Not safe for threads: the server calls it under a lock."""

    def __init__(self):
        self.rates = {"VAT15": Decimal(15), "VAT0": Decimal(0)}
        self.first_day = NO_DAY  # of those on which posting is allowed
        self.default_dimensions = {}  # dimension -> value, of every new line
        self.documents = {}
        self.files = {}
        self.dimensions_of = {}  # line -> {dimension: row}
        self.master = _master(self)
        self._numbers = itertools.count(1)

    # -- Purchase documents

    def find(self, name, wanted):
        """Return the documents of a set for which ``wanted(document)`` is true."""
        return [
            document
            for document in self.documents.values()
            if document["set"] == name and wanted(document["fields"])
        ]

    def get(self, name, document_id):
        document = self.documents.get(document_id)
        if not document or document["set"] != name:
            raise Refused(
                "BadRequest_NotFound", "Bad Request - Error in query syntax", 404
            )
        return document

    def add(self, name, data):
        lines_name, _number, day, _type, _word = KINDS[name]
        vendors = {row["id"]: row for row in self.master["vendors"]}
        vendor = vendors.get(data.get("vendorId"))
        if not vendor:
            raise dialog("The vendor cannot be found.")
        if data.get("currencyCode") not in ("USD", "EUR"):
            raise dialog('The "currencyCode" does not match to a Currency.')
        document_id = str(uuid.uuid4())
        lines = [
            self._line(document_id, place, line)
            for place, line in enumerate(data.get(lines_name, ()), 1)
        ]
        fields = {
            "id": document_id,
            "number": f"1070{next(self._numbers):02}",
            day: data[day],
            "postingDate": data.get("postingDate") or data[day],
            "dueDate": data.get("dueDate") or data[day],
            "vendorNumber": vendor["number"],
            "vendorName": vendor["displayName"],
            "status": "Draft",
            **{name: value for name, value in data.items() if name != lines_name},
            **self._totals(lines),
        }
        document = {"set": name, "fields": fields, "lines": lines, "version": 1}
        self.documents[document_id] = document
        return document

    def _line(self, document_id, place, data):
        line = {
            "id": str(uuid.uuid4()),
            "documentId": document_id,
            "sequence": place * 10000,
            **data,
        }
        amount = Decimal(0)
        if data["lineType"] == "Account":
            accounts = {row["id"] for row in self.master["accounts"]}
            if data.get("accountId") not in accounts:
                raise dialog("Account does not exist.")
            code = data.get("taxCode", "VAT0")
            if code not in self.rates:
                raise Refused(
                    "Internal_InvalidTableRelation",
                    "The field VAT Prod. Posting Group of table Purchase Line contains"
                    f" a value ({code}) that cannot be found in the related table (VAT"
                    " Product Posting Group).",
                )
            price = Decimal(str(data["unitCost"])) * Decimal(str(data["quantity"]))
            left = 100 - Decimal(str(data.get("discountPercent", 0)))
            amount = _cents(price * left / 100)
            rows = self.dimensions_of.setdefault(line["id"], {})
            for dimension, value in self.default_dimensions.items():
                rows[dimension] = self._dimension(dimension, value)
        line["amountExcludingTax"] = float(amount)
        return line

    def _totals(self, lines):
        net = sum(
            (Decimal(str(line["amountExcludingTax"])) for line in lines), CENT * 0
        )
        tax = sum(
            (
                Decimal(str(line["amountExcludingTax"]))
                * self.rates[line.get("taxCode", "VAT0")]
                / 100
                for line in lines
            ),
            CENT * 0,
        )
        tax = _cents(tax)
        return {
            "totalAmountExcludingTax": float(net),
            "totalTaxAmount": float(tax),
            "totalAmountIncludingTax": float(net + tax),
        }

    def post(self, name, document_id):
        document = self.get(name, document_id)
        _lines, number, _day, _type, word = KINDS[name]
        fields = document["fields"]
        if fields["status"] != "Draft":
            raise dialog(
                f"The action can be applied to a draft {word.lower()} only.",
            )
        if fields["postingDate"] < self.first_day:
            raise Refused(
                "Application_FieldValidationException",
                "Posting Date is not within your range of allowed posting dates in"
                f" Purchase Header Document Type='{word}',No.='{fields['number']}'.",
            )
        blocked = {row["id"] for row in self.master["accounts"] if row["blocked"]}
        if any(line.get("accountId") in blocked for line in document["lines"]):
            raise Refused(
                "Application_FieldValidationException",
                "Blocked must be equal to 'No'  in G/L Account: No.=61200. Current"
                " value is 'Yes'.",
            )
        same = self.find(
            name,
            lambda other: (
                other["status"] in ("Open", "Paid")
                and other["vendorId"] == fields["vendorId"]
                and other[number] == fields[number]
            ),
        )
        if same:
            raise dialog(
                f"Purchase {word} {fields[number]} already exists for this vendor."
            )
        fields["status"] = "Open"
        fields["number"] = f"1080{next(self._numbers):02}"
        document["version"] += 1

    def delete(self, name, document_id, etag):
        document = self.get(name, document_id)
        if etag not in ("*", self.etag(document)):
            raise changed()
        if document["fields"]["status"] != "Draft":
            raise dialog("You cannot delete a posted document.")
        del self.documents[document_id]

    def etag(self, document):
        return f'W/"JzQ0O{document["fields"]["id"][:8]};{document["version"]}"'

    # -- Dimensions of lines

    def dimensions(self, line_id):
        lines = [line for one in self.documents.values() for line in one["lines"]]
        if line_id not in {line["id"] for line in lines}:
            raise Refused(
                "BadRequest_NotFound", "Bad Request - Error in query syntax", 404
            )
        return self.dimensions_of.setdefault(line_id, {})

    def add_dimension(self, line_id, data):
        rows = self.dimensions(line_id)
        if data["id"] in rows:
            raise dialog(
                "The dimension set line already exists. Check existing dimension set"
                " lines and the default dimension set lines on the parent."
            )
        rows[data["id"]] = self._dimension(data["id"], data["valueId"])
        return rows[data["id"]]

    def change_dimension(self, line_id, dimension, data):
        rows = self.dimensions(line_id)
        rows[dimension] = self._dimension(dimension, data["valueId"])
        return rows[dimension]

    def _dimension(self, dimension, value):
        names = {row["id"]: row["code"] for row in self.master["dimensions"]}
        values = {row["id"]: row for row in self.master["dimensionValues"]}
        if value not in values or values[value]["dimensionId"] != dimension:
            raise dialog('The "valueId" does not match to a Dimension Value.')
        return {
            "id": dimension,
            "code": names[dimension],
            "valueId": value,
            "valueCode": values[value]["code"],
        }

    # -- Files

    def add_file(self, data):
        types = {document["set"] for document in self.documents.values()}
        kinds = {name: KINDS[name][3] for name in types}
        parent = self.documents.get(data["parentId"])
        if not parent or kinds[parent["set"]] != data["parentType"]:
            raise dialog("No document with the specified ID exists.")
        file_id = str(uuid.uuid4())
        # Its size is not told when it is the only one, as in the real one.
        row = {"id": file_id, "byteSize": 0, **data}
        self.files[file_id] = {"row": row, "content": b""}
        return row

    def file(self, file_id):
        if file_id not in self.files:
            raise Refused(
                "BadRequest_NotFound", "Bad Request - Error in query syntax", 404
            )
        return self.files[file_id]

    def files_of(self, document_id):
        return [
            file["row"]
            for file in self.files.values()
            if file["row"]["parentId"] == document_id
        ]


def changed():
    return Refused(
        "Request_EntityChanged", "Another user has already changed the record.", 409
    )


def _cents(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)


def _master(books):
    account = {"category": "Expense", "accountType": "Posting", "directPosting": True}
    return {
        "vendors": [
            _row(VENDOR, "20000", "Fabrikam", taxRegistrationNumber="BE0477472701"),
            _row(OTHER_VENDOR, "30000", "Blocked Ltd", blocked="All"),
        ],
        "accounts": [
            _row(ACCOUNT, "61000", "Expenses", blocked=False, **account),
            _row(BLOCKED_ACCOUNT, "61200", "Old costs", blocked=True, **account),
            _row(
                str(uuid.UUID(int=61)),
                "60000",
                "COSTS",
                blocked=False,
                **{**account, "accountType": "Begin_x0020_Total"},
            ),
        ],
        "taxGroups": [
            {
                "id": str(uuid.UUID(int=number)),
                "code": code,
                "displayName": f"VAT {rate} %",
                "taxType": "VAT",
            }
            for number, (code, rate) in enumerate(books.rates.items(), 900)
        ],
        "paymentTerms": [
            {
                "id": TERM,
                "code": "30D",
                "displayName": "Net 30 days",
                "dueDateCalculation": "30D",
            }
        ],
        "currencies": [
            {"id": str(uuid.UUID(int=978)), "code": "EUR", "displayName": "Euro"}
        ],
        "dimensions": [
            {"id": DIMENSION, "code": "REGION", "displayName": "Region"},
            {"id": OTHER_DIMENSION, "code": "PROJECT", "displayName": "Project"},
        ],
        "dimensionValues": [
            _value(NORTH, "NORTH", DIMENSION),
            _value(SOUTH, "SOUTH", DIMENSION),
            _value(PROJECT, "P1", OTHER_DIMENSION),
        ],
    }


def _row(record_id, number, name, **values):
    if "accountType" not in values:
        values = {"taxRegistrationNumber": "", "blocked": "_x0020_", **values}
    return {"id": record_id, "number": number, "displayName": name, **values}


def _value(record_id, code, dimension):
    return {
        "id": record_id,
        "code": code,
        "dimensionId": dimension,
        "displayName": code.title(),
    }
