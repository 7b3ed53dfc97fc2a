"""The demo's bills: each shows one thing that happens to bills in real life.

The comment before each says what becomes of it. Accounts are codes of Odoo's generic
chart; 625000 is made by the demo and exists in no ERP.
"""

from dataclasses import dataclass
from datetime import date, timedelta

OFFICE, HOSTING, CLEANING, BLOCKED = "V-1001", "V-1002", "V-1003", "V-1004"
UNMAPPED_ACCOUNT = ("625000", "Trade Fairs")
#: Archived in the ERP after the mappings were made: the ERP then refuses it.
REFUSED_ACCOUNT = "961000"


@dataclass(frozen=True)
class Bill:
    """A demo bill; lines are (text, quantity, price, account code, taxed)."""

    vendor: str
    reference: str
    lines: tuple
    days_ago: int = 3
    kind: str = "in_invoice"
    currency: str = ""
    document: bool = False
    connection: str = "erp"

    @property
    def bill_date(self) -> str:
        """The date as Odoo wants it."""
        return str(date.today() - timedelta(days=self.days_ago))


BILLS = [
    # Success: two lines, a tax, the vendor's document goes along
    Bill(
        OFFICE,
        "LOS-8841",
        (
            ("Paper, 80 g, 5 boxes", 5, 21.90, "600000", True),
            ("Desk lamps", 4, 39.00, "600000", True),
        ),
        document=True,
    ),
    # Success: no tax
    Bill(
        HOSTING, "CIR-2026-1107", (("Servers, November", 1, 1240.00, "600000", False),)
    ),
    # Success: rent on its own account
    Bill(
        CLEANING, "BW-20871", (("Storage room, November", 1, 650.00, "612000", False),)
    ),
    # Success: a credit note
    Bill(
        OFFICE,
        "LOS-CN-112",
        (("Returned lamp", 1, 39.00, "600000", True),),
        kind="in_refund",
    ),
    # Success: many lines
    Bill(
        OFFICE,
        "LOS-8902",
        tuple(
            (f"Folders, colour {n}", n, 3.35 + n / 10, "600000", True)
            for n in range(1, 9)
        ),
        days_ago=1,
    ),
    # Failed: the ERP archived the account
    Bill(HOSTING, "CIR-2026-1113", (("Test lab", 1, 480.00, REFUSED_ACCOUNT, False),)),
    # On Hold: the GL code is not mapped
    Bill(
        OFFICE,
        "LOS-8915",
        (("Booth, two days", 1, 2150.00, UNMAPPED_ACCOUNT[0], False),),
    ),
    # On Hold: no reference, and then the same GL code
    Bill(
        CLEANING,
        "",
        (("Carpet cleaning", 1, 310.00, UNMAPPED_ACCOUNT[0], False),),
    ),
    # On Hold: entered twice
    Bill(
        CLEANING, "BW-20871", (("Storage room, November", 1, 650.00, "612000", False),)
    ),
    # On Hold: the ERP does not have the currency
    Bill(
        HOSTING,
        "CIR-EU-77",
        (("Servers in Frankfurt", 1, 199.00, "600000", False),),
        currency="EUR",
    ),
    # Blocked: Block sync on the vendor
    Bill(BLOCKED, "OMP-551", (("Flyers", 2000, 0.11, "962000", False),)),
    Bill(BLOCKED, "OMP-560", (("Posters", 150, 1.85, "962000", False),), days_ago=2),
    # In Progress: an ERP that is switched off
    Bill(
        HOSTING,
        "CIR-BR-14",
        (("Line to the branch", 1, 88.00, "600000", False),),
        connection="offline",
    ),
]

#: A vendor's document: the smallest file every viewer opens.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
