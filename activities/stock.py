"""Reservations of stock, and the choice of the nodes that ship. Everything here may run twice, and acts once."""

from temporalio import activity

from activities.failures import temporal_errors
from models.base import Model
from models.fulfilment import Allocation, HeldPick, RoutingRequest, Shipment, Shortfall
from models.order import OrderKey
from models.systems import ReturnReceipt
from store import reservations, stock
from store.database import Database


class Holdings(Model):
    """All that an order is to go on holding. Of what is not named, nothing."""

    order_key: OrderKey
    held: tuple[HeldPick, ...] = ()
    waits: bool = True
    """False: the order waits for no stock any more, since what was short is not wanted."""


class ParcelLeft(Model):
    order_key: OrderKey
    shipment: Shipment


class ShortfallCounted(Model):
    order_key: OrderKey
    shortfall: Shortfall


class StockActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def reserve(self, request: RoutingRequest) -> Allocation:
        """Decide and reserve; available stock never goes below zero. The same decision again gets the same answer."""
        with temporal_errors():
            async with self._database.session() as session:
                return await reservations.reserve(session, request)

    @activity.defn
    async def keep(self, holdings: Holdings) -> None:
        """Give back what is held beyond this; never reserves."""
        with temporal_errors():
            async with self._database.session() as session:
                await reservations.keep(session, holdings.order_key, holdings.held, waits=holdings.waits)

    @activity.defn
    async def give_back(self, order_key: OrderKey) -> None:
        """Undo every `reserve`, whether or not it got as far as reserving anything, and wait for nothing any more."""
        with temporal_errors():
            async with self._database.session() as session:
                await reservations.give_back(session, order_key)

    @activity.defn
    async def take_out(self, left: ParcelLeft) -> None:
        """The parcel's items leave stock and reservation."""
        with temporal_errors():
            async with self._database.session() as session:
                await stock.consume(session, left.order_key, left.shipment)

    @activity.defn
    async def count_short(self, counted: ShortfallCounted) -> None:
        """What a node will not ship is held there no longer; what was not on the shelf is written off."""
        with temporal_errors():
            async with self._database.session() as session:
                await reservations.count_short(session, counted.order_key, counted.shortfall)

    @activity.defn
    async def take_in(self, receipt: ReturnReceipt) -> None:
        """What came back and may be sold again is on hand again."""
        with temporal_errors():
            async with self._database.session() as session:
                await stock.take_in(session, receipt)
