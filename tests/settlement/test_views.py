"""What finance reads: why a line does not match, exports, the month's end."""

from __future__ import annotations

import csv
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.settlement import SettlementActivities
from cli import settlement_work
from cli.deployment import Deployment
from cli.xlsx import Sheet
from connectors.providers import FORMATS
from models.settlement import LineType, SettlementKey
from models.settlement_books import WriteOff
from models.settlement_rules import RulesError, RuleSet
from store import month_end, settlement_rules, settlement_views, write_offs
from store.database import Database
from tests.settlement.documents import arrived, registered, report
from tests.settlement.faults import Sold, euros, settlement

KEY = SettlementKey(channel="amazon", account="EU", settlement_id="281")

AUGUST, SEPTEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (8, 9))
STRANGE = (("302-404", "Order", "ItemPrice", "Principal", "5.00"), ("", "Moon", "Moon", "x", "1"))


async def posted(
    database: Database,
    made: list[Sold],
    *more: tuple[str, str, str, str, str],
    name: str = "281",
    entity: str = "",
) -> None:
    await registered(database, made)
    event_id = await arrived(database, report(made, name, more), f"settlement:{name}")
    activities = SettlementActivities(FORMATS, database, {("amazon", "EU"): entity})
    environment = ActivityEnvironment()
    (key,) = (await environment.run(activities.prove_settlement, event_id)).settlements
    await environment.run(activities.keep_settlement, event_id)
    await environment.run(activities.match_settlement, key)


async def test_a_line_is_explained_in_words_with_what_the_order_was_to_bring(database: Database) -> None:
    paid = settlement(1, 0, 3)[0]
    place = paid.first(LineType.GOODS)
    paid.lines[place] = paid.lines[place].model_copy(update={"amount": paid.lines[place].amount + euros("2.41")})
    await posted(
        database, [paid], ("302-404", "Order", "ItemPrice", "Principal", "5.00"), ("", "Moon", "Moon", "x", "1")
    )
    async with database.session() as session:
        goods = "\n".join(await settlement_views.why(session, KEY, place + 1) or [])
        stranger = "\n".join(await settlement_views.why(session, KEY, len(paid.lines) + 1) or [])
        moon = "\n".join(await settlement_views.why(session, KEY, len(paid.lines) + 2) or [])
        assert await settlement_views.why(session, KEY, 999) is None
    assert "Order / ItemPrice / Principal" in goods
    assert f"Order {paid.order.key} is to bring {paid.expected.receivable}" in goods
    assert "Not matched: 2.41 EUR, because more was paid than the order is to bring (over_paid)" in goods
    assert "What to do: the channel will probably take it back" in goods
    assert "It names order 302-404, which is not registered" in stranger
    assert "No rule of version 1 knows the labels Moon / Moon / x" in moon


async def test_a_settlement_is_shown_with_what_is_open(database: Database) -> None:
    made = settlement(200, 0.05, 4)
    await posted(database, made, ("", "ServiceFee", "other-transaction", "Subscription Fee", "-39.99"))
    async with database.session() as session:
        (summary,) = await settlement_views.find(session, channel="amazon")
        assert await settlement_views.find(session, account="elsewhere") == []
        lines = await settlement_views.open_lines(session, KEY, 10_000)
        groups = await settlement_views.groups(session, summary)
    assert summary.matched + summary.residual == summary.payout
    assert sum(group.lines for group in groups) == summary.lines
    by_hand = sum(line.residual.amount for line in lines if line.fault != "reserve")
    assert summary.open.amount == by_hand
    assert all(line.residual.amount for line in lines)


@pytest.mark.parametrize("name", ["lines.csv", "lines.xlsx"])
async def test_all_lines_are_exported_for_finance(database_url: str, tmp_path: Path, name: str) -> None:
    database = Database(database_url)
    made = settlement(60, 0.05, 4)
    await posted(database, made)
    deployment = Deployment(database_url, "", "", None, None)
    path = tmp_path / name
    count = await settlement_work.export(deployment, KEY, path, xlsx=name.endswith("xlsx"))
    await database.aclose()
    total = sum(line.amount.amount for each in made for line in each.lines)
    assert count == sum(len(each.lines) for each in made)
    if name.endswith("csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            read = list(csv.DictReader(file))
        assert (len(read), sum(Decimal(row["amount"]) for row in read)) == (count, total)
        assert all(Decimal(r["matched_amount"]) + Decimal(r["residual_amount"]) == Decimal(r["amount"]) for r in read)
    else:
        sheet = ElementTree.fromstring(zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
        assert len(list(sheet.iter("{http://schemas.openxmlformats.org/spreadsheetml/2006/main}row"))) == count + 1


def test_a_sheet_keeps_ids_as_text_and_drops_what_xml_cannot_hold(tmp_path: Path) -> None:
    with Sheet(tmp_path / "a.xlsx") as sheet:
        sheet.row(["1803550130406", Decimal("-0.10"), None, "a\x00<b>", datetime(2026, 1, 1, tzinfo=UTC)])
    content = zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert ">1803550130406</t>" in content
    assert "<v>-0.10</v>" in content
    assert ">a&lt;b&gt;</t>" in content


async def still_owed(database: Database, account: str) -> Decimal:
    """What an order that has left, and that no settlement has paid, is to bring."""
    owed = settlement(1, 0, 77)[0]
    key = owed.order.key.model_copy(update={"account": account, "external_id": "302-999999"})
    owed.order = owed.order.model_copy(update={"key": key})
    await registered(database, [owed])
    async with database.session() as session:
        await session.execute(text("UPDATE orders SET state = 'shipped' WHERE external_id = '302-999999'"))
    return owed.expected.receivable.amount


async def test_a_month_is_told_by_channel_and_its_parts_are_the_payout(database: Database) -> None:
    made = settlement(300, 0.05, 5)
    owed = await still_owed(database, "EU")
    await posted(database, made, ("", "ServiceFee", "other-transaction", "Subscription Fee", "-39.99"))
    async with database.session() as session:
        (month,) = await month_end.report(session, SEPTEMBER)
        other = await month_end.report(session, AUGUST)
    assert (month.channel, month.account, month.currency, month.settlements) == ("amazon", "EU", "EUR", 1)
    assert month.difference == 0
    assert month.fees < 0 < month.sales
    assert month.tax_channel == sum(each.expected.channel_tax.amount for each in made)
    assert month.outstanding == owed
    assert [(each.settlements, each.outstanding) for each in other] == [(0, month.outstanding)]


async def test_what_is_written_off_is_an_adjustment_of_the_month_as_it_is_in_the_books(database: Database) -> None:
    paid = settlement(1, 0, 3)[0]
    paid.change(LineType.GOODS, Decimal("2.41"))
    reserve, moon = len(paid.lines) + 1, len(paid.lines) + 2
    held = ("", "other-transaction", "other-transaction", "Current Reserve Amount", "-50.00")
    await posted(database, [paid], held, ("", "Moon", "Moon", "x", "1.00"), ("", "Moon", "Moon", "y", "0.10"))
    off = WriteOff(key=KEY, number=1, actor="anna", note="cents", on=date(2026, 11, 28))
    async with database.session() as session:
        (before,) = await month_end.report(session, SEPTEMBER)
        for number in (paid.first(LineType.GOODS) + 1, reserve, moon):
            assert await write_offs.give_up(session, off.model_copy(update={"number": number}), booked=True)
        (after,) = await month_end.report(session, SEPTEMBER)
    told = [(month.adjustments, month.reserves, month.unexplained) for month in (before, after)]
    assert told == [(Decimal(0), Decimal("-50.00"), Decimal("3.51")), (Decimal("-46.59"), Decimal(0), Decimal("0.10"))]
    assert before.difference == after.difference == 0
    assert (after.sales, after.payout) == (before.sales, before.payout)


async def test_what_an_account_is_still_owed_is_of_the_company_that_its_latest_settlement_is_booked_for(
    database: Database,
) -> None:
    owed = {account: await still_owed(database, account) for account in ("EU", "DE")}
    await posted(database, settlement(3, 0, 5), entity="Sports GmbH")
    await posted(database, [], STRANGE[1], name="282", entity="Outdoor AG")
    async with database.session() as session:
        months = [await month_end.report(session, month) for month in (AUGUST, SEPTEMBER)]
    outstanding = [{(each.account, each.entity): each.outstanding for each in found} for found in months]
    assert outstanding[0] == {("DE", ""): owed["DE"], ("EU", "Outdoor AG"): owed["EU"]}
    assert outstanding[1] == {**outstanding[0], ("EU", "Sports GmbH"): Decimal(0)}


async def test_rules_are_versions_and_only_a_newer_one_comes_into_force(database: Database) -> None:
    shipped = FORMATS["amazon"].settlement_rules
    newer = shipped.model_copy(update={"version": 5, "window_days": 20})
    async with database.session() as session:
        assert await settlement_rules.in_force(session, shipped) == shipped
        await settlement_rules.apply(session, newer, shipped, "anna")
        assert (await settlement_rules.in_force(session, shipped)).window_days == 20
        with pytest.raises(RulesError, match="5 is not above 5, which is in force: raise it"):
            await settlement_rules.apply(session, newer, shipped, "anna")
        assert [row.applied_by for row in await settlement_rules.history(session, "amazon")] == ["anna"]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "rules: a list of rules is needed"),
        ({"rules": ["x"]}, "rule 1: 'x' is not a list of patterns and a type"),
        ({"channel": "a", "version": 1, "rules": [["a", "moon"]]}, "rules.1.type: Input should be"),
        ({"channel": "a", "version": 1, "rules": [["(", "fee"]]}, r"is not a regular expression"),
        ({"channel": "a", "version": 0, "rules": []}, "version: Input should be greater"),
    ],
)
def test_a_rules_file_that_is_wrong_says_where(document: dict[str, object], problem: str) -> None:
    with pytest.raises(RulesError, match=problem):
        RuleSet.from_document(document)


def test_every_channel_ships_rules_that_know_no_free_text() -> None:
    for name, channel in FORMATS.items():
        assert channel.settlement_rules.channel == name
        assert channel.settlement_rules.rules
        assert channel.settlement_rules.type_of(["moon", "phase", "levy"][: len(channel.settlement_rules.labels)]) is (
            LineType.UNKNOWN
        )
