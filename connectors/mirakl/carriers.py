"""Carrier names to the operator's codes (SH21); a carrier that the operator does not know goes by its name."""

from __future__ import annotations

import re

from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.node import Node
from connectors.mirakl.vocabulary import CARRIERS


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


class Carriers:
    """Reads the operator's list once: Mirakl allows it once a day."""

    def __init__(self, api: MiraklApi) -> None:
        self._api = api
        self._by_name: dict[str, Node] | None = None

    async def fields(self, carrier: str, tracking: str) -> dict[str, str]:
        """`carrier_code` of a registered carrier, whose tracking address Mirakl makes itself; else `carrier_name`."""
        listed = await self._listed()
        found = listed.get(plain(carrier)) or listed.get(plain(CARRIERS.get(plain(carrier), "")))
        if found is None:
            return {"carrier_name": carrier, "tracking_number": tracking}
        fields = {"carrier_code": found["code"].text(), "carrier_name": found["label"].text()}
        if standard := found["standard_code"].text():
            fields["carrier_standard_code"] = standard
        return {**fields, "tracking_number": tracking}

    async def _listed(self) -> dict[str, Node]:
        if self._by_name is None:
            response = await self._api.get(quotas.CARRIERS, "/api/shipping/carriers")
            self._by_name = {
                plain(each[field].text()): each
                for each in document(response, "list carriers")["carriers"].each()
                for field in ("standard_code", "label", "code")
                if each[field]
            }
        return self._by_name
