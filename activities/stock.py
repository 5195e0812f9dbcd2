"""Reservations of stock, and the choice of the node that ships."""

from temporalio import activity

from activities.failures import temporal_errors
from models.base import Model
from models.catalogue import ComponentLine
from models.fulfilment import Allocation, Shipment
from models.order import OrderKey
from store import stock
from store.database import Database


class Needs(Model):
    order_key: OrderKey
    components: tuple[ComponentLine, ...]
    units: dict[str, int]
    """Channel line id -> units to be shipped."""


class ParcelLeft(Model):
    order_key: OrderKey
    shipment: Shipment


class StockActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def reserve(self, needs: Needs) -> Allocation:
        """Reserve everything or nothing; available stock never goes below zero."""
        with temporal_errors():
            async with self._database.session() as session:
                return await stock.reserve(session, needs.order_key, needs.components, needs.units)

    @activity.defn
    async def give_back(self, order_key: OrderKey) -> None:
        """Undo `reserve`, whether or not it got as far as reserving anything."""
        with temporal_errors():
            async with self._database.session() as session:
                await stock.release_reservation(session, order_key)

    @activity.defn
    async def take_out(self, left: ParcelLeft) -> None:
        """The parcel's items leave stock and reservation."""
        with temporal_errors():
            async with self._database.session() as session:
                await stock.consume(session, left.order_key, left.shipment)
