"""A place that ships: where it is, whom it serves, when it closes the day, what it costs and how much it can do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from models.base import Model
from models.money import Amount

ANYWHERE = "*"
"""Stands in `costs` for every country that has no entry of its own."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone: write it as Europe/Berlin") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Place = Annotated[str, Field(pattern="^[A-Z]{2}(-.+)?$")]
"""A country (`DE`), or a state or province of it (`US-CA`)."""


class Node(Model):
    """What is not said restricts nothing: a node of which only the name is known ships anything anywhere, tomorrow."""

    name: str = Field(min_length=1)
    entity: str = ""
    """Legal entity that ships from here; empty for the one that sells."""
    country: Country | None = None
    region: str = ""
    """State or province."""
    time_zone: TimeZone = "UTC"
    serves: tuple[Place, ...] = ()
    """Countries and regions that it ships to; empty for all."""
    service_levels: tuple[str, ...] = ()
    """Empty for all."""
    cut_off: time | None = None
    """Local time until which an order still counts for the day; empty when the day ends at midnight."""
    handling_days: int = Field(default=1, ge=0)
    """Days from an order before the cut-off to its parcel; 0 leaves on the same day."""
    capacity: int | None = Field(default=None, ge=0)
    """Fulfilments that it can begin in a day of its own time zone; empty for any number."""
    costs: dict[str, Amount] = Field(default_factory=dict)
    """Ship-to country or `*` -> cost of a parcel, in the currency of the routing rules."""
    active: bool = True

    def serves_place(self, country: str, region: str) -> bool:
        """True also for an order whose country is not known: its address is somebody else's question."""
        return not self.serves or not country or country in self.serves or f"{country}-{region}" in self.serves

    def offers(self, service_level: str) -> bool:
        return not self.service_levels or service_level in self.service_levels

    def local_day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.time_zone)).date()

    def cut_off_passed(self, at: datetime) -> bool:
        """Judged by the clock on the node's wall and by the instant at which the cut-off came first.

        The clock alone would open the day again in the hour that autumn repeats; the instant alone would keep it open
        too long in the hour that spring leaves out.
        """
        if self.cut_off is None:
            return False
        zone = ZoneInfo(self.time_zone)
        local = at.astimezone(zone)
        first = datetime.combine(local.date(), self.cut_off, tzinfo=zone)
        return local.time() > self.cut_off or at.astimezone(UTC) > first.astimezone(UTC)

    def leaves_on(self, at: datetime) -> date:
        """The day, at the node, on which an order of this moment leaves it."""
        return self.local_day(at) + timedelta(days=self.handling_days + self.cut_off_passed(at))

    def distance(self, country: str, region: str) -> int:
        """0 in the same region, 1 in the same country, 2 abroad; 1 where either is not known."""
        if not country or self.country is None:
            return 1
        if country != self.country:
            return 2
        return 0 if region and region == self.region else 1

    def cost(self, country: str) -> Amount | None:
        """What a parcel there costs; None when nobody has said."""
        return self.costs.get(country, self.costs.get(ANYWHERE))
