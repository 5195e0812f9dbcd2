"""What the AvaTax twin accepts, and what it makes of it: the answer's fields are those of recorded transactions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from models.money import minor_unit

# Percent at the destination. Not the product's own table: two that agree by construction would prove nothing.
RATES = {"DE": "19", "AT": "20", "FR": "20", "IT": "22", "ES": "21", "NL": "21", "PL": "23", "GB": "20", "JP": "10"}
STATE_RATES = {"PA": "6", "CA": "7.25", "NY": "4", "TX": "6.25", "WA": "6.5", "FL": "6", "IL": "6.25", "OR": "0"}

TAX_CODES = {
    "P0000000": "tangible personal property",
    "PC040100": "clothing",
    "PC040000": "clothing, other",
    "PF050001": "food",
    "FR": "shipping",
    "NT": "not taxable",
}
"""What the twin knows. It declines any other by name, so that a wrong code in the catalogue shows."""


def _plain_number(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Number = Annotated[Decimal, BeforeValidator(_plain_number)]
"""AvaTax takes a number or a string."""


class Address(BaseModel):
    line1: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    postalCode: str | None = None  # noqa: N815 - AvaTax's name


class TaxOverride(BaseModel):
    type: Literal["TaxAmount", "TaxDate"]
    taxAmount: Number | None = None  # noqa: N815
    taxDate: str | None = None  # noqa: N815
    reason: str = Field(min_length=1)


class Line(BaseModel):
    number: str | None = Field(default=None, max_length=50)
    quantity: Number = Decimal(1)
    amount: Number
    taxCode: str | None = Field(default=None, max_length=25)  # noqa: N815
    itemCode: str | None = Field(default=None, max_length=50)  # noqa: N815
    description: str | None = Field(default=None, max_length=2096)
    ref1: str | None = Field(default=None, max_length=50)
    taxIncluded: bool = False  # noqa: N815
    marketplaceLiabilityType: Literal["Seller", "Marketplace"] | None = None  # noqa: N815
    taxOverride: TaxOverride | None = None  # noqa: N815


class Transaction(BaseModel):
    type: Literal["SalesOrder", "SalesInvoice", "ReturnOrder", "ReturnInvoice"] = "SalesOrder"
    code: str = Field(default="", max_length=50)
    companyCode: str = Field(default="DEFAULT", max_length=25)  # noqa: N815
    date: str
    customerCode: str = Field(min_length=1, max_length=50)  # noqa: N815
    currencyCode: str = "USD"  # noqa: N815
    commit: bool = False
    referenceCode: str | None = Field(default=None, max_length=50)  # noqa: N815
    purchaseOrderNo: str | None = Field(default=None, max_length=50)  # noqa: N815
    addresses: dict[str, Address] = {}
    lines: list[Line] = []

    @property
    def destination(self) -> Address | None:
        """Recorded requests say `ShipTo`, Avalara's own clients `shipTo`."""
        named = {name.lower(): address for name, address in self.addresses.items()}
        return named.get("shipto") or named.get("singlelocation")


def calculated(request: Transaction, number: int, status: str) -> dict[str, Any]:
    """The transaction as AvaTax answers it."""
    destination = request.destination or Address()
    rate = _rate(destination)
    lines = [_line(request, line, rate, destination) for line in request.lines]
    tax, net = (sum((line[name] for line in lines), Decimal(0)) for name in ("tax", "lineAmount"))
    return {
        "id": number,
        "code": request.code,
        "companyId": 848107,
        "date": request.date,
        "status": status,
        "type": request.type,
        "currencyCode": request.currencyCode,
        "customerCode": request.customerCode,
        "purchaseOrderNo": request.purchaseOrderNo or "",
        "referenceCode": request.referenceCode or "",
        "totalAmount": net,
        "totalExempt": Decimal(0),
        "totalDiscount": Decimal(0),
        "totalTax": tax,
        "totalTaxable": net,
        "totalTaxCalculated": tax,
        "locked": False,
        "country": destination.country or "",
        "region": destination.region or "",
        "taxDate": request.date,
        "lines": lines,
    }


def exact_json(value: Any) -> str:
    """JSON whose numbers are the decimals themselves, not the nearest binary fractions."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(name)}:{exact_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(exact_json(each) for each in value) + "]"
    return json.dumps(value)


def _rate(destination: Address) -> Decimal:
    if destination.country == "US":
        return Decimal(STATE_RATES.get(destination.region or "", "5")) / 100
    return Decimal(RATES.get(destination.country or "", "0")) / 100


def _line(request: Transaction, line: Line, rate: Decimal, destination: Address) -> dict[str, Any]:
    taxable = line.marketplaceLiabilityType != "Marketplace" and line.taxCode != "NT"
    applied = rate if taxable else Decimal(0)
    exact = line.amount * applied / (1 + applied) if line.taxIncluded else line.amount * applied
    tax = exact.quantize(minor_unit(request.currencyCode))
    if line.taxOverride and line.taxOverride.taxAmount is not None:
        tax = line.taxOverride.taxAmount
    net = line.amount - tax if line.taxIncluded else line.amount
    jurisdiction = {
        "country": destination.country or "",
        "region": destination.region or "",
        "jurisType": "STA" if destination.country == "US" else "CNT",
        "rate": applied,
        "tax": tax,
        "taxableAmount": net,
        "taxName": f"{destination.region if destination.country == 'US' else destination.country} TAX",
    }
    return {
        "lineNumber": line.number or "",
        "description": line.description or "",
        "itemCode": line.itemCode or "",
        "ref1": line.ref1 or "",
        "lineAmount": net,
        "quantity": line.quantity,
        "tax": tax,
        "taxableAmount": net,
        "taxCalculated": tax,
        "taxCode": line.taxCode or "P0000000",
        "taxIncluded": line.taxIncluded,
        "marketplaceLiabilityType": line.marketplaceLiabilityType or "Seller",
        "details": [jurisdiction],
    }
