"""Stock as each system has it: what agrees, what does not, and how much of it is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from models.base import Model, Moment
from models.money import Money


class Verdict(StrEnum):
    STORE_DIFFERS = "store_differs"
    """We and the warehouse count differently: its level is taken over where nothing is on the move."""
    UNKNOWN_TO_WMS = "unknown_to_wms"
    UNKNOWN_TO_US = "unknown_to_us"
    ERP_DIFFERS = "erp_differs"
    """The books are not what is on the shelf: never repaired here."""
    TOLD_TOO_MUCH = "told_too_much"
    """The channel may sell what is not there."""
    TOLD_TOO_LITTLE = "told_too_little"
    NEVER_TOLD = "never_told"
    CHANNEL_REFUSES = "channel_refuses"


WORDS: Mapping[Verdict, str] = {
    Verdict.STORE_DIFFERS: "count the shelf; once no order holds any of it, the warehouse's level is taken over",
    Verdict.UNKNOWN_TO_WMS: "correct the item's code, or take its level out of ours",
    Verdict.UNKNOWN_TO_US: "add the item and its level, or correct its code in the warehouse",
    Verdict.ERP_DIFFERS: "book the difference in the ERP, or let the warehouse count again",
    Verdict.TOLD_TOO_MUCH: "publishing again did not help: see `channels stock` and the account's stock schedule",
    Verdict.TOLD_TOO_LITTLE: "publishing again did not help: see `channels stock` and the account's stock schedule",
    Verdict.NEVER_TOLD: "publishing did not help: see `channels stock` and the account's stock schedule",
    Verdict.CHANNEL_REFUSES: "correct the listing there, or its map; it is told again when the quantity changes",
}
"""What a person can do about it."""
OWNERS: Mapping[Verdict, str] = {
    Verdict.STORE_DIFFERS: "warehouse",
    Verdict.UNKNOWN_TO_WMS: "catalogue",
    Verdict.UNKNOWN_TO_US: "catalogue",
    Verdict.ERP_DIFFERS: "finance",
}
"""Whose turn it is; of what a channel was told it is `channel`."""
WRONGLY_TOLD = frozenset({Verdict.TOLD_TOO_MUCH, Verdict.TOLD_TOO_LITTLE, Verdict.NEVER_TOLD})
OF_LISTINGS = WRONGLY_TOLD | {Verdict.CHANNEL_REFUSES}
OF_PLACES = frozenset(Verdict) - OF_LISTINGS


class Asked(Model):
    """The systems that say what they have. One that cannot is neither right nor wrong."""

    wms: bool
    erp: bool


class Cell(Model):
    """Units on hand of an item at a node, as each system says; None: it does not know the item there."""

    item: str
    node: str
    store: int | None = None
    reserved: int = 0
    wms: int | None = None
    erp: int | None = None
    moved_at: Moment | None = None
    """When we last counted a parcel out of this place."""

    @property
    def subject(self) -> str:
        return f"{self.item}@{self.node}"


class Listed(Model):
    """What an account was told of a SKU, and what it would be told now, both in units of the SKU."""

    channel: str
    account: str
    sku: str
    sellable: int
    told: int | None = None
    problem: str | None = None
    floor: Money | None = None

    @property
    def subject(self) -> str:
        return f"{self.channel}/{self.account}/{self.sku}"


class Mismatch(Model):
    """Two statements about the same stock that cannot both be true."""

    subject: str
    """`item@node`, or `channel/account/sku`."""
    verdict: Verdict
    says: dict[str, int | None]
    """System -> units; None: it does not know it."""
    units: int
    value: Money | None = None
    """Of the units, at the lowest price that the listing is sold for; None when none is known."""
    note: str = ""

    @property
    def in_words(self) -> str:
        said = ", ".join(f"{system} {'nothing' if n is None else n}" for system, n in self.says.items())
        return f"{self.subject}: {self.verdict.replace('_', ' ')} by {self.units} ({said}){self.note}"


class Standing(Model):
    """A mismatch and its age."""

    mismatch: Mismatch
    since: Moment
    """When it was first seen; it has been there at every reconciliation since."""
    unchanged_since: Moment
    """Since when every system says the same numbers."""


class InventoryReport(Model):
    """One reconciliation."""

    ran_at: Moment
    asked: Asked
    cells: int
    agreed: int
    """Cells in which all systems that were asked say the same."""
    listings: int
    listings_agreed: int
    mismatches: dict[Verdict, int]
    repaired: int = 0
    """Levels that were taken over from the warehouse; the mismatch is over."""
    cases: int = 0
    """Open ones, known before or new."""
    publish: tuple[tuple[str, str], ...] = ()
    """Channel and account of those to be told again."""

    @property
    def accuracy(self) -> Decimal | None:
        """Share of cells that agree, 0 to 1, to four places; None when there is nothing to compare."""
        return (Decimal(self.agreed) / self.cells).quantize(Decimal("0.0001")) if self.cells else None


def of_cell(cell: Cell, asked: Asked, price: Money | None) -> tuple[Mismatch, ...]:
    """What is wrong in a cell: at most one thing between us and the warehouse, and one between the books and it.

    A system that does not list an item has none of it: that is no contradiction where the others have none either.
    """
    found = []
    says = {"store": cell.store} | ({"wms": cell.wms} if asked.wms else {}) | ({"erp": cell.erp} if asked.erp else {})
    shelf = (cell.wms if asked.wms else cell.store) or 0

    def differs(verdict: Verdict, units: int) -> Mismatch:
        value = price * units if price is not None else None
        return Mismatch(subject=cell.subject, verdict=verdict, says=says, units=units, value=value)

    if asked.wms and shelf != (cell.store or 0):
        found.append(differs(_between_us_and_wms(cell), abs(shelf - (cell.store or 0))))
    if asked.erp and shelf != (cell.erp or 0):
        found.append(differs(Verdict.ERP_DIFFERS, abs(shelf - (cell.erp or 0))))
    return tuple(found)


def of_listing(listed: Listed) -> Mismatch | None:
    """What is wrong with what a channel was told of a SKU."""
    units = abs(listed.sellable - (listed.told or 0))
    if listed.told is None:
        verdict = Verdict.NEVER_TOLD
    elif listed.told != listed.sellable:
        verdict = Verdict.TOLD_TOO_MUCH if listed.told > listed.sellable else Verdict.TOLD_TOO_LITTLE
    elif listed.problem:
        verdict, units = Verdict.CHANNEL_REFUSES, listed.sellable
    else:
        return None
    return Mismatch(
        subject=listed.subject,
        verdict=verdict,
        says={"channel": listed.told, "policy": listed.sellable},
        units=units,
        value=listed.floor * units if listed.floor is not None else None,
        note=f": {listed.problem}" if verdict is Verdict.CHANNEL_REFUSES else "",
    )


def may_be_taken_over(cell: Cell, standing: Standing, grace: timedelta, now: Moment) -> bool:
    """True when the warehouse's level is surely the newer truth: nobody holds any of it, nothing has left of late, and
    every system has said the same for so long that no report can be on its way any more."""
    still = now - grace
    return (
        standing.mismatch.verdict is Verdict.STORE_DIFFERS
        and cell.wms is not None
        and cell.reserved == 0
        and standing.unchanged_since <= still
        and (cell.moved_at is None or cell.moved_at <= still)
    )


def total(mismatches: Iterable[Mismatch]) -> dict[str, Decimal]:
    """Currency -> value of all whose value is known."""
    sums: dict[str, Decimal] = {}
    for value in (each.value for each in mismatches):
        if value is not None:
            sums[value.currency] = sums.get(value.currency, Decimal(0)) + value.amount
    return sums


def _between_us_and_wms(cell: Cell) -> Verdict:
    if cell.wms is None:
        return Verdict.UNKNOWN_TO_WMS
    return Verdict.UNKNOWN_TO_US if cell.store is None else Verdict.STORE_DIFFERS
