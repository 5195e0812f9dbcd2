"""Carrier names to the words that the shipping call knows; any other carrier is `otherCarrier`, with a tracking URL."""

from __future__ import annotations

import re

_CODES = (
    "UPS", "USPS", "FedEx", "Airborne", "OnTrac", "DHL Ecommerce - US", "DHL", "LS", "UDS", "UPSMI", "FDX", "PILOT",
    "ESTES", "SAIA", "FDS Express", "Seko Worldwide", "HIT Delivery", "FEDEXSP", "RL Carriers",
    "Metropolitan Warehouse & Delivery", "China Post", "YunExpress", "Yellow Freight Sys", "AIT Worldwide Logistics",
    "Chukou1", "Sendle", "Landmark Global", "Sunyou", "Yanwen", "4PX", "GLS", "OSM Worldwide", "FIRST MILE",
    "AM Trucking", "CEVA", "India Post", "SF Express", "CNE", "TForce Freight", "AxleHire", "LSO", "Royal Mail",
    "ABF Freight System", "WanB", "Roadrunner Freight", "Meyer Distribution", "AAA Cooper", "Canada Post",
    "Southeastern Freight Lines", "Japan Post", "Correos de Mexico", "XPO Logistics", "JD Logistics", "YDH", "JCEX",
    "Flyt", "Deutsche Post", "Better Trucks", "Asendia", "SFC", "UBI", "ePost Global", "YF Logistics", "RXO",
    "Estes Express", "Shypmax", "WIN.IT America", "PITT OHIO", "PostNord Sweden", "Equick", "Whistl", "Tusou",
    "Shiprocket", "DTDC", "PTS",
)  # fmt: skip
_ALIASES = {
    "fedexexpress": "FedEx",
    "fedexground": "FedEx",
    "fedexsmartpost": "FEDEXSP",
    "dhlecommerce": "DHL Ecommerce - US",
    "dhlexpress": "DHL",
    "deutschepostdhl": "DHL",
    "dhlpaket": "DHL",
    "lasership": "LS",
    "upsmailinnovations": "UPSMI",
    "uniteddeliveryservice": "UDS",
    "unitedparcelservice": "UPS",
    "unitedstatespostalservice": "USPS",
}


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


CARRIERS = {plain(code): code for code in _CODES} | _ALIASES


def carrier_name(name: str) -> dict[str, str]:
    """`carrierName` of the shipping call."""
    code = CARRIERS.get(plain(name))
    return {"carrier": code} if code else {"otherCarrier": name}
