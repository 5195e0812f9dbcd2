"""The vendors of one sandbox, and the buyers who buy from its channels."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, NonNegativeInt
from starlette.routing import Route

from sandbox.amazon import AmazonTwin
from sandbox.channel import ChannelTwin
from sandbox.core import Sandbox, SandboxOptions
from sandbox.erp import ErpTwin
from sandbox.fraud import FraudTwin
from sandbox.mirakl import MiraklTwin
from sandbox.notify import NotifyTwin
from sandbox.scenario import Special
from sandbox.shopify import ShopifyTwin
from sandbox.storefront import StorefrontTwin
from sandbox.tax import TaxTwin
from sandbox.traits import Traits, draw, specially
from sandbox.walmart import WalmartTwin
from sandbox.webhooks import WebhookSender
from sandbox.wms import WmsTwin
from sandbox.wms_troubles import Trouble, TroubleKind

ENTITIES = {"Camp Deutschland GmbH": "EUR"}
"""The retailer's legal entity whose books are in one currency, whatever its shop sells in."""


class Buying(BaseModel):
    """Buyers at work: so many orders of each channel, at a steady pace."""

    orders: dict[str, NonNegativeInt] = Field(default_factory=dict)
    per_second: float = Field(default=20.0, gt=0)


class Twins:
    """The vendors of one sandbox."""

    def __init__(self, options: SandboxOptions) -> None:
        self.sandbox = Sandbox(options)
        self.webhooks = WebhookSender(self.sandbox)
        self.wms = WmsTwin(self.sandbox, self.webhooks)
        self.erp = ErpTwin(self.sandbox)
        self.channels: dict[str, ChannelTwin] = {
            "amazon": AmazonTwin(self.sandbox, self.webhooks),
            "mirakl": MiraklTwin(self.sandbox),
            "shopify": ShopifyTwin(self.sandbox, self.webhooks),
            "storefront": StorefrontTwin(self.sandbox, self.webhooks),
            "walmart": WalmartTwin(self.sandbox, self.webhooks),
        }
        self.systems: dict[str, ErpTwin | WmsTwin | TaxTwin | FraudTwin | NotifyTwin] = {
            "erp": self.erp,
            "wms": self.wms,
            "tax": TaxTwin(self.sandbox),
            "fraud": FraudTwin(self.sandbox),
            "notify": NotifyTwin(self.sandbox),
        }
        self._sold = self.sandbox.shelf.collection("sold")
        self.loaded: dict[str, list[str]] = {}
        """File -> keys of the orders that it brought."""

    def routes(self) -> list[Route]:
        twins = [*self.channels.values(), *self.systems.values()]
        return [route for twin in twins for route in twin.routes()]

    def connections(self) -> dict[str, Any]:
        return {
            "channels": [twin.connection() for twin in self.channels.values()],
            "entities": ENTITIES,
            **{name: twin.connection() for name, twin in self.systems.items()},
        }

    def credentials(self) -> dict[str, dict[str, str]]:
        return {name: twin.credentials() for name, twin in {**self.channels, **self.systems}.items()}

    def resume(self) -> None:
        """Go on with what was under way when the sandbox stopped. Needs a running event loop."""
        self.wms.resume()
        for twin in self.channels.values():
            twin.resume()
        self.webhooks.resume()

    async def sell(self, buying: Buying) -> None:
        """Draw and place the orders; numbering goes on where the last buying stopped."""
        for number in range(max(buying.orders.values(), default=0)):
            for channel, count in buying.orders.items():
                if number < count:
                    self.sell_one(channel)
                    await asyncio.sleep(1 / buying.per_second)

    def sold(self) -> dict[str, int]:
        """Channel -> number of orders that its buyers have placed."""
        return {channel: int(self._sold.get(channel) or 0) for channel in self.channels}

    def sell_one(self, channel: str) -> str:
        number = self.sold()[channel] + 1
        self._sold.put(channel, number)
        options = self.sandbox.options
        return self._sell(channel, draw(options.seed, channel, number, options.scenario))

    def sell_special(self, channel: str, special: Special) -> str:
        """One order whose story is told; its order key."""
        number = self.sold()[channel] + 1
        self._sold.put(channel, number)
        external_id = self._sell(channel, specially(special, number))
        return f"{channel}/{self.channels[channel].connection()['account']}/{external_id}"

    def _sell(self, channel: str, traits: Traits) -> str:
        external_id = self.channels[channel].sell(traits)
        account = self.channels[channel].connection()["account"]
        happens = {kind: getattr(traits, kind) for kind in TroubleKind}
        for kind in (kind for kind, does in happens.items() if does):
            self.wms.troubles.add(Trouble(kind=kind, order_reference=f"{channel}/{account}/{external_id}"))
        return external_id

    def load(self, directory: Path) -> None:
        """Serve the orders of every file. A folder named like a channel goes to that channel, others to each."""
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            named = [name for name in self.channels if name in path.relative_to(directory).parts]
            loose = path.parent == directory
            for name in named or (list(self.channels) if loose else []):
                if keys := self.channels[name].load(path):
                    self.loaded.setdefault(str(path), []).extend(f"{name}:{key}" for key in keys)
