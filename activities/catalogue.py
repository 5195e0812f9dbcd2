"""From a channel's SKUs to the items we ship."""

from pydantic import Field
from temporalio import activity

from activities.failures import temporal_errors
from models.base import Model, Moment
from models.catalogue import ComponentLine, explode
from models.money import Money
from models.order import OrderKey, OrderLine
from store import catalogue
from store.database import Database


class Enrichment(Model):
    order_key: OrderKey
    lines: tuple[OrderLine, ...]
    at: Moment
    """The listing maps in force at this time are used (purchase time: a later change does not reach back)."""
    waiting_id: str
    """Workflow to be woken when a missing SKU is mapped."""


class Enriched(Model):
    components: tuple[ComponentLine, ...] = ()
    floors: dict[str, Money] = Field(default_factory=dict)
    """Line id -> lowest price of a unit that is sold without asking."""
    available_from: dict[str, Moment] = Field(default_factory=dict)
    """Line id -> day before which it is not shipped (a pre-order)."""
    unmapped: tuple[str, ...] = ()
    """SKUs without a listing map. Components are empty then, and the order is on the list of those to be woken."""


class CatalogueActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def enrich(self, request: Enrichment) -> Enriched:
        key = request.order_key
        skus = sorted({line.sku for line in request.lines})
        with temporal_errors():
            async with self._database.session() as session:
                found = await catalogue.listings(session, key.channel, key.account, skus, request.at)
                missing = tuple(sku for sku in skus if sku not in found)
                if missing:
                    await catalogue.wait_for_sku(session, key.channel, key.account, missing, key, request.waiting_id)
                    return Enriched(unmapped=missing)
        by_line = {line.line_id: found[line.sku] for line in request.lines}
        return Enriched(
            components=tuple(part for line in request.lines for part in explode(line, found[line.sku])),
            floors={name: listing.floor for name, listing in by_line.items() if listing.floor},
            available_from={
                name: listing.available_from for name, listing in by_line.items() if listing.available_from
            },
        )
