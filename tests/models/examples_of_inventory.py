"""One of each model of the inventory reconciliation."""

from models.base import Model, Moment
from models.inventory import Asked, Cell, InventoryReport, Listed, Mismatch, Standing, Verdict
from models.money import Money


def examples(at: Moment) -> tuple[Model, ...]:
    asked = Asked(wms=True, erp=False)
    mismatch = Mismatch(
        subject="TENT@BER-1",
        verdict=Verdict.UNKNOWN_TO_WMS,
        says={"store": 5, "wms": None},
        units=5,
        value=Money.of("995.00", "EUR"),
    )
    return (
        asked,
        Cell(item="TENT", node="BER-1", store=5, reserved=1, moved_at=at),
        Listed(channel="shopify", account="main", sku="TENT", sellable=3, told=4, floor=Money.of("199.00", "EUR")),
        mismatch,
        Standing(mismatch=mismatch, since=at, unchanged_since=at),
        InventoryReport(
            ran_at=at,
            asked=asked,
            cells=2,
            agreed=1,
            listings=1,
            listings_agreed=0,
            mismatches={Verdict.UNKNOWN_TO_WMS: 1, Verdict.TOLD_TOO_MUCH: 1},
            cases=1,
            publish=(("shopify", "main"),),
        ),
    )
