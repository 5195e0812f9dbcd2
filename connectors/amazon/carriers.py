"""Carrier names to the carrier codes that `confirmShipment` knows; any other carrier is `Other` with its name."""

from __future__ import annotations

import re

OTHER = "Other"
_CODES = (
    "4PX", "A-1", "Aramex", "Australia Post", "BRT", "Blue Package", "BlueDart", "Bpost", "Canada Post", "Chronopost",
    "Colissimo", "Correios", "Correos", "Correos Express", "CTT Express", "DHL", "DHL eCommerce", "DHL Express",
    "DHL Freight", "DPD", "Delhivery", "Dynamex", "Endicia", "Estafeta", "Evri", "FedEx", "FedEx SmartPost", "Fastway",
    "GLS", "GO!", "Hermes", "Hermes Logistik Gruppe", "InPost", "India Post", "JP_EXPRESS", "La Poste", "Lasership",
    "Mondial Relay", "NipponExpress", "OnTrac", "Parcelforce", "PostNL", "PostNord", "Poste Italiane", "Purolator",
    "Royal Mail", "SDA", "SEUR", "SFExpress", "Sagawa", "Self Delivery", "Swiss Post", "TNT", "Toll", "TransFolha",
    "UPS", "UPS Mail Innovations", "USPS", "Whistl", "Yamato Transport", "YANWEN", "Yodel", "Yun Express",
)  # fmt: skip
_ALIASES = {"deutschepostdhl": "DHL", "dhlpaket": "DHL", "fedexexpress": "FedEx", "fedexground": "FedEx"}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


CODES = {_plain(code): code for code in _CODES} | _ALIASES
"""A carrier's plain name (letters and digits, lower case) -> its code."""


def carrier_fields(name: str) -> dict[str, str]:
    """`carrierCode`, and `carrierName` as well: required with `Other`, and shown to the buyer."""
    return {"carrierCode": CODES.get(_plain(name), OTHER), "carrierName": name}
