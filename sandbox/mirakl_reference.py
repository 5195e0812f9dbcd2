"""What an operator configures: carriers (SH21), reasons (RE01), and that the platform is up (V01)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

CARRIERS = {"DHL": "DHL Paket", "UPS": "UPS", "DPD": "DPD", "GLS": "GLS", "HERMES": "Hermes"}
"""Code -> label of the carriers that are registered."""
REASONS = (
    ("34", "CANCELATION", True, "Cancelled by the client prior to shipping"),
    ("35", "CANCELATION", True, "Out of stock product"),
    ("36", "CANCELATION", True, "Agreement with the client"),
    ("SYSTEM_LATE_SHIPMENT_CANCELATION", "CANCELATION", False, "Late shipment"),
    ("15", "REFUND", True, "Product out of stock"),
    ("17", "REFUND", True, "Product returned"),
    ("18", "REFUND", True, "Product not received"),
    ("19", "REFUND", True, "Agreement found with the seller"),
    ("20", "REFUND", True, "Product damaged or defective"),
    ("14", "REFUND", False, "No response from the seller"),
    ("1", "INCIDENT_OPEN", False, "Item not received"),
)
"""Code, type, whether sellers may use it, label."""


def may_give(code: object, kind: str) -> bool:
    """True for a reason that sellers may give; requests write codes as texts or numbers."""
    return any((str(code), kind) == (known, of) and ours for known, of, ours, _ in REASONS)


async def carriers(_: Request) -> Response:
    listed = [{"code": code, "label": label, "standard_code": code} for code, label in sorted(CARRIERS.items())]
    return JSONResponse({"carriers": listed})


async def reasons(_: Request) -> Response:
    names = ("code", "type", "is_shop_right", "label")
    listed = [dict(zip(names, reason, strict=True)) for reason in REASONS]
    return JSONResponse({"reasons": listed, "total_count": len(listed)})


async def version(_: Request) -> Response:
    return JSONResponse({"version": "sandbox"})
