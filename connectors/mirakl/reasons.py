"""An operator's reason codes: those of the connection's options, or the best of the operator's own list (RE01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.node import Node
from connectors.mirakl.vocabulary import CANCEL_REASONS, REFUND_REASONS
from models.channel import CancelReason, RefundReason

LABELS = {
    "CUSTOMER_CANCELATION": ("client", "customer", "buyer", "kunde"),
    "OUT_OF_STOCK": ("stock", "rupture", "lager", "magazyn"),
    "RETURN": ("return", "retour", "rückgabe", "devol", "zwrot"),
    "ITEM_NOT_RECEIVED": ("not received", "non reçu", "nicht erhalten", "no recib"),
    "AGREEMENT": ("agreement", "accord", "einigung", "acuerdo", "goodwill", "other"),
    "DEFECT": ("defect", "damaged", "broken", "défect", "beschädigt", "defekt"),
    "UNABLE_TO_DELIVER": ("deliver", "livr", "liefer", "address"),
}
"""Neutral word -> what a label that means it contains, in some language of the operators."""


class Reasons:
    """Options: `cancel_reasons` and `refund_reasons`, of our reason to the operator's code: `{"buyer": "34"}`."""

    def __init__(self, api: MiraklApi, options: Mapping[str, Any]) -> None:
        self._api = api
        self._cancel: Mapping[str, Any] = options.get("cancel_reasons", {})
        self._refund: Mapping[str, Any] = options.get("refund_reasons", {})
        self._listed: list[Node] | None = None

    async def cancel(self, reason: CancelReason) -> str:
        configured = self._cancel.get(reason.value)
        return str(configured) if configured else await self._look_up("CANCELATION", CANCEL_REASONS[reason])

    async def refund(self, reason: RefundReason) -> str:
        configured = self._refund.get(reason.value)
        return str(configured) if configured else await self._look_up("REFUND", REFUND_REASONS[reason])

    async def _look_up(self, kind: str, word: str) -> str:
        """The code whose label means the word, or else the first that sellers may use: the operator needs some."""
        if self._listed is None:
            response = await self._api.get(quotas.REASONS, "/api/reasons")
            self._listed = list(document(response, "list reasons")["reasons"].each())
        ours = [each for each in self._listed if each["type"].text() == kind and each["is_shop_right"].flag()]
        if not ours:
            raise Declined(f"the operator lets sellers give no reason of type {kind}", code="no_reason", field=kind)
        meant = (each for each in ours if any(label in each["label"].text().lower() for label in LABELS[word]))
        return next(meant, ours[0])["code"].text()
