"""What the books of the selling companies need to be told of an order's currency."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from store.tables import columns


class ExchangeRateRow(SQLModel, table=True):
    """What one unit of a currency is in another from a day on, until the next row of the same pair."""

    __tablename__ = "exchange_rate"
    __table_args__ = (CheckConstraint("rate > 0", name="exchange_rate_positive"),)

    currency: str = columns.key()
    books_currency: str = columns.key()
    valid_on: date = Field(primary_key=True)
    rate: Decimal = columns.amount()
    source: str = columns.word("")
    entered_at: datetime = columns.now()
