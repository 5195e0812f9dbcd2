"""The terms on which an account sells: who sells, in which books, and which waits are allowed. Data, not code."""

from __future__ import annotations

from datetime import timedelta

from models.base import Model
from models.case import Action
from models.systems import LedgerRate


class SalesTerms(Model):
    """What an order's process takes from its account's connection, and the rate of its day."""

    entity: str = ""
    """Legal entity that sells; empty where only one does."""
    books_currency: str = ""
    """Of that entity; empty where it is the order's."""
    ledger: LedgerRate | None = None
    """Rate into the books' currency on the day of the purchase, where that is another one than the order's."""
    rate_missing: str = ""
    """`USD/EUR`, when the order's currency needs a rate and there is none."""
    cancel_window: timedelta = timedelta()
    """After the purchase: nothing is released before it ends, and a buyer's wish to cancel needs no decision."""
    hold_window: timedelta = timedelta(days=3)
    """A hold that nobody decides on for so long ends by itself, as its kind says."""
    promise: timedelta = timedelta(days=3)
    """How long goods may be back-ordered, where the order states no ship-by date."""
    partial_shipments: bool = False
    """Ship what is there, and the rest later; otherwise the order waits until it is complete."""
    node_patience: timedelta = timedelta(days=1)
    """A node that ships nothing for so long loses the goods to another, if one has them."""
    confirm_within: timedelta = timedelta(hours=24)
    """The channel must have heard of a parcel so soon after it left."""
    return_window: timedelta = timedelta(days=30)
    """After the last parcel left: later returns are a person's decision."""
    price_floors: bool = True
    """Hold an order that sells below an item's floor price."""
    floor_hold_ends_in: Action = Action.CANCEL
