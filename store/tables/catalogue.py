"""What each channel SKU is made of, and which orders wait for somebody to say so."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.catalogue import ListingMap
from store.tables import columns


class ListingRow(SQLModel, table=True):
    """A version of a listing, `models.catalogue.ListingMap`; account `*` stands for every account of the channel."""

    __tablename__ = "listing_map"
    __table_args__ = (CheckConstraint("version >= 1", name="listing_map_version"),)

    channel: str = columns.key()
    account: str = columns.key()
    sku: str = columns.key()
    version: int = Field(primary_key=True)
    valid_from: datetime = columns.moment()
    components: list[dict[str, Any]] = columns.document()
    floor: dict[str, Any] | None = columns.document(nullable=True)
    """`models.money.Money`."""
    available_from: datetime | None = columns.moment(nullable=True)

    def listing(self) -> ListingMap:
        return ListingMap.model_validate(self.model_dump())


class SkuWait(SQLModel, table=True):
    """An order that is parked until a SKU is mapped."""

    __tablename__ = "sku_wait"
    __table_args__ = (Index("sku_wait_order", "order_key"),)

    channel: str = columns.key()
    account: str = columns.key()
    sku: str = columns.key()
    order_key: str = columns.key()
    workflow_id: str = columns.text()
    since: datetime = columns.now()
