"""The commands against a stack that runs, as an operator uses them from morning to evening."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.goods import UNMAPPED_ITEM, UNMAPPED_SKU
from stack.build import VERSION
from stack.postgres import LocalPg
from stack.running import StackInfo, running_stack
from tests.cli.command import Ended, Shell, free_port, run, running, said_until, shell
from tests.shopify import shop

pytestmark = pytest.mark.timeout(300)
SOLD = 8
"""Orders that buyers place in the shop: the first eight are one of each special kind."""


@dataclass(frozen=True)
class Stack:
    info: StackInfo
    shell: Shell

    def run(self, *arguments: str | Path) -> Ended:
        return self.shell.run(*arguments)

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        done = self.run(*arguments, "--json")
        assert (done.code, done.err) == (code, "")
        return done.json()

    def sandbox(self, method: str, path: str, **more: Any) -> Any:
        url = f"{self.info.sandbox_url}/_sandbox/{path}"
        return httpx.request(method, url, trust_env=False, timeout=30, **more).raise_for_status().json()

    def until(self, look: Callable[[], Any], holds: Callable[[Any], object]) -> Any:
        ends, seen = time.monotonic() + 60, look()
        while not holds(seen):
            assert time.monotonic() < ends, f"never came to hold; last seen: {seen}"
            seen = look()
        return seen

    def order(self, key: str) -> Any:
        return self.json("order", "show", key)

    def ingest(self, path: Path, *orders: dict[str, Any], code: int = 0) -> Any:
        path.write_text(json.dumps({"orders": orders}))
        return self.json("ingest", "shopify", path, code=code)

    def bought(self) -> list[dict[str, Any]]:
        """What buyers placed with the shop; the orders that we ingested have shorter numbers."""
        return [each for each in self.json("order", "list") if len(each["key"]) > 20]

    def back_ordered(self, units: int) -> tuple[str, str]:
        """An order of kayaks, of which no warehouse has any: its key, and its line."""
        key = self.sandbox("POST", "orders/shopify", json={"items": {"KAYAK-2": units}})["key"]
        self.until(lambda: [each for each in self.json("order", "list") if each["key"] == key], bool)
        shown = self.until(lambda: self.order(key), lambda order: order["state"] == "back_ordered")
        return key, shown["order"]["lines"][0]["line_id"]

    def parked(self, path: Path, order_id: int) -> tuple[str, str]:
        """An order of two units that waits for the mapping of a SKU that nobody knows: its key, and the case."""
        self.ingest(path, shop.order(id=order_id, line_items=[shop.line(sku=f"UNKNOWN-{order_id}")]))
        key = f"shopify/main/{order_id}"
        cases = self.until(
            lambda: [case for case in self.json("exceptions", "list") if case["reason"].count(f"UNKNOWN-{order_id}")],
            lambda found: found,
        )
        return key, cases[0]["case_id"]


@pytest.fixture(scope="module")
def stack(postgres: LocalPg) -> Iterator[Stack]:
    """`starter.py up` on a database of its own, with a shop in which eight buyers buy."""
    database_url = postgres.create_database("cli")
    with tempfile.TemporaryDirectory(prefix="orderyard-tests-") as directory:
        settings = {
            "ORDERYARD_DATA_DIR": directory,
            "ORDERYARD_DATABASE_URL": database_url,
            "ORDERYARD_GATEWAY_PORT": str(free_port()),
            "ORDERYARD_METRICS_PORT": str(free_port()),
        }
        with running("starter.py", "up", "--poll-seconds", "1", "--quota-scale", "500", settings=settings) as child:
            said_until(child, "Let buyers buy")
            info = running_stack(Path(directory))
            assert info is not None
            with shell(ORDERYARD_DATA_DIR=directory) as commands:
                stack = Stack(info, commands)
                stack.sandbox("POST", "orders", json={"orders": {"shopify": SOLD}, "per_second": 50})
                yield stack
    postgres.drop_database("cli")


@pytest.fixture(scope="module")
def orders(stack: Stack) -> list[dict[str, Any]]:
    """All that buyers bought, captured: by webhook, or where that was lost by the poll."""
    bought: list[dict[str, Any]] = stack.until(stack.bought, lambda all_: len(all_) >= SOLD)
    return bought


def test_orders_are_listed_by_state_and_channel(stack: Stack, orders: list[dict[str, Any]]) -> None:
    shipped = stack.until(lambda: stack.json("order", "list", "--state", "shipped"), lambda found: len(found) >= 4)
    assert {each["state"] for each in shipped} == {"shipped"}
    assert {each["key"].split("/")[0] for each in stack.json("order", "list", "--channel", "shopify")} == {"shopify"}
    assert stack.json("order", "list", "--channel", "amazon") == []
    assert len(stack.json("order", "list", "--limit", "2")) == 2
    table = stack.run("order", "list")
    assert table.code == 0
    assert orders[0]["key"] in table.out


def test_an_order_is_shown_with_its_story(stack: Stack, orders: list[dict[str, Any]]) -> None:
    key = stack.until(lambda: stack.json("order", "list", "--state", "shipped"), lambda found: found)[0]["key"]
    shown = stack.order(key)
    assert [each["state"] for each in shown["timeline"]][:3] == ["accepted", "allocated", "released"]
    assert shown["snapshot"]["erp_order"]
    assert shown["order"]["key"]["external_id"] == key.split("/")[2]
    assert shown["temporal"].startswith(f"{stack.info.temporal_ui_url}/namespaces/orderyard/workflows/order%2Fshopify")
    text = stack.run("order", "show", key)
    assert text.code == 0
    for part in (key, "Timeline", "released to", "Parcels", shown["snapshot"]["shipments"][0]["tracking"]):
        assert part in text.out


def test_a_mapped_sku_lets_the_order_go_on_that_waits_for_it(stack: Stack, orders: list[dict[str, Any]]) -> None:
    case = stack.until(
        lambda: [each for each in stack.json("exceptions", "list") if UNMAPPED_SKU in each["reason"]], bool
    )[0]
    key = "/".join(case["order_key"].values())
    assert case["kind"] == "unmapped_sku"
    assert stack.order(key)["state"] == "exception"
    done = stack.run("listings", "map", "shopify", UNMAPPED_SKU, f"{UNMAPPED_ITEM}=1:1")
    assert (done.code, done.out.strip()) == (0, f"shopify {UNMAPPED_SKU}: version 1")
    stack.until(lambda: stack.order(key)["state"], lambda state: state == "shipped")
    assert case["case_id"] not in [each["case_id"] for each in stack.json("exceptions", "list")]
    ended = [each for each in stack.json("exceptions", "list", "--all") if each["case_id"] == case["case_id"]]
    assert ended[0]["resolution"]["actor"] == "orderyard"


def test_a_declined_address_is_amended_and_the_order_resumes(stack: Stack, orders: list[dict[str, Any]]) -> None:
    case = stack.until(lambda: stack.json("exceptions", "list", "--kind", "tax_declined"), bool)[0]
    key = "/".join(case["order_key"].values())
    address = stack.order(key)["order"]["ship_to"]
    wrong = stack.run("exceptions", "resolve", case["case_id"], "amend")
    assert wrong.code == 1
    assert "not resolved: AmendmentMissing: an amendment" in wrong.err
    amended = json.dumps({**address, "postal_code": "98101"})
    note = ["--actor", "ann", "--note", "asked the buyer"]
    done = stack.run("exceptions", "resolve", case["case_id"], "amend", "--ship-to", amended, *note)
    assert (done.code, done.out.strip()) == (0, f"{case['case_id']}: amend")
    stack.until(lambda: stack.order(key)["state"], lambda state: state == "shipped")
    resolution = stack.order(key)["cases"][0]["resolution"]
    assert (resolution["actor"], resolution["note"]) == ("ann", "asked the buyer")


def test_files_are_ingested_and_what_is_refused_is_told_and_replayed(stack: Stack, tmp_path: Path) -> None:
    path, missing = tmp_path / "page.json", tmp_path / "missing.json"
    good = shop.order(id=501, cancelled_at="2026-11-20T10:00:00Z")
    bad = shop.order(id=502, line_items=[shop.line(quantity="several [/b]")])
    path.write_text(json.dumps({"orders": [good, bad]}))
    first, second = stack.json("ingest", "shopify", path, missing, code=1)
    assert (first["file"], first["status"]) == (str(path), "dead")
    assert first["outcome"] == "shopify/main/501: started"
    (refusal,) = first["refusals"]
    assert (refusal["path"], refusal["value"]) == ("orders[1].line_items[0].quantity", "'several [/b]'")
    assert second["refusals"][0]["reason"] == "unreadable"

    listed = stack.json("dead-letters", "list", "--channel", "shopify", "--reason", refusal["reason"])
    assert [each["id"] for each in listed] == [first["event"]]
    assert stack.json("dead-letters", "list", "--channel", "amazon") == []
    table = stack.run("dead-letters", "list")
    assert "orders[1].line_items[0].quantity" in table.out
    assert "'several [/b]'" in table.out
    replayed = stack.run("dead-letters", "replay", str(first["event"]))
    assert (replayed.code, replayed.out.strip()) == (0, "1 put back")
    again = stack.until(lambda: stack.json("dead-letters", "list"), lambda found: found and found[0]["attempts"] == 2)
    assert again[0]["refusals"][0]["path"] == "orders[1].line_items[0].quantity"
    everything = stack.run("dead-letters", "replay", "--all")
    assert (everything.code, everything.out.strip()) == (0, "1 put back")
    text = stack.run("ingest", "shopify", path)
    assert text.code == 1
    assert f"refused: wrong_type at {refusal['path']}: 'several [/b]'" in text.out


def test_an_order_is_cancelled_once(stack: Stack, tmp_path: Path) -> None:
    key, case_id = stack.parked(tmp_path / "order.json", 601)
    outcome = stack.json("order", "cancel", key, "--reason", "the buyer called", "--actor", "ann")
    assert (outcome["status"], outcome["reason"], outcome["units"]) == ("confirmed", "the buyer called", {"901": 2})
    shown = stack.until(lambda: stack.order(key), lambda order: order["state"] == "cancelled")
    assert (shown["timeline"][-1]["cause"], shown["timeline"][-1]["actor"]) == ("the buyer called", "ann")
    again = stack.run("order", "cancel", key)
    assert (again.code, again.out) == (1, "")
    assert key in again.err
    over = stack.run("exceptions", "resolve", case_id, "retry")
    assert over.code == 1


def test_units_of_an_order_are_cancelled_and_it_goes_on(stack: Stack, tmp_path: Path) -> None:
    key, _ = stack.parked(tmp_path / "order.json", 603)
    (line,) = [line["line_id"] for line in stack.order(key)["order"]["lines"]]
    told = stack.run("order", "cancel", key, "--line", f"{line}=1", "--why", "buyer")
    assert (told.code, told.out.splitlines()) == (
        0,
        ["cancelled: cancelled by the operator", f"cancelled units: 1 of line {line}"],
    )
    shown = stack.until(lambda: stack.order(key), lambda order: order["snapshot"]["cancellations"])
    counted = shown["snapshot"]["quantities"]["lines"][line]
    assert (counted["ordered"], counted["open"], counted["cancelled"]) == (2, 1, 1)
    assert shown["state"] == "exception"
    text = stack.run("order", "show", key)
    for part in ("Cancellations", "unmapped_sku", "catalogue", "sku:UNKNOWN-603", "expected"):
        assert part in text.out
    unknown = stack.run("order", "cancel", key, "--line", "nonsense=1")
    assert (unknown.code, unknown.out) == (1, "")
    assert "no line nonsense in this order" in unknown.err


def test_a_held_order_waits_until_its_case_is_decided(stack: Stack) -> None:
    key, line = stack.back_ordered(1)
    wish = ["--reason", "the buyer calls back", "--expires", "2d", "--on-expiry", "cancel"]
    held = stack.run("order", "hold", key, *wish)
    assert (held.code, held.out.startswith(f"{key}: held until 20")) == (0, True)
    assert stack.run("order", "change", key, "--sku", f"{line}=TENT-4P-GRN").code == 0
    case = stack.until(lambda: stack.json("exceptions", "list", "--kind", "operator_hold"), bool)[0]
    assert ("the buyer calls back" in case["reason"], case["on_expiry"]) == (True, "cancel")
    stack.until(lambda: stack.order(key)["state"], lambda state: state == "on_hold")
    assert stack.run("exceptions", "resolve", case["case_id"], "skip", "--note", "she called").code == 0
    stack.until(lambda: stack.order(key)["state"], lambda state: state == "shipped")
    late = stack.run("order", "hold", key, "--reason", "too late")
    assert (late.code, late.out) == (1, "")
    assert "not held" in late.err


def test_an_order_is_changed_before_its_release_and_refused_with_a_reason_after_it(stack: Stack) -> None:
    key, line = stack.back_ordered(3)
    more = stack.run("order", "change", key, "--quantity", f"{line}=4")
    assert more.code == 1
    assert "can only go down from 3, not to 4" in more.err
    address = json.dumps({**stack.order(key)["order"]["ship_to"], "city": "Leipzig"})
    changes = ["--sku", f"{line}=TENT-4P-GRN", "--quantity", f"{line}=1", "--service", "express"]
    done = stack.run("order", "change", key, "--ship-to", address, *changes, "--reason", "the buyer called")
    assert (done.code, done.out.strip(), done.err) == (0, f"{key}: changed", "")
    shown = stack.until(lambda: stack.order(key), lambda order: order["state"] == "shipped")
    counted = shown["snapshot"]["quantities"]["lines"][line]
    assert (counted["shipped"], counted["cancelled"]) == (1, 2)
    released = stack.sandbox("GET", "ledger", params={"system": "wms", "effect": "released", "key": key})
    assert len(released) == 1
    late = stack.run("order", "change", key, "--service", "standard")
    assert (late.code, late.out) == (1, "")
    assert "not changed" in late.err


def test_an_order_that_was_shipped_is_not_cancelled(stack: Stack, orders: list[dict[str, Any]]) -> None:
    shipped = stack.until(lambda: stack.json("order", "list", "--state", "shipped"), bool)
    done = stack.run("order", "cancel", shipped[0]["key"])
    assert done.code == 1
    assert "too late" in done.out + done.err


def test_a_case_is_decided_only_as_it_allows(stack: Stack, tmp_path: Path) -> None:
    key, case_id = stack.parked(tmp_path / "order.json", 602)
    refused = stack.run("exceptions", "resolve", case_id, "skip")
    assert refused.code == 1
    assert "use one of retry, amend, cancel" in refused.err
    assert "no case nonsense" in stack.run("exceptions", "resolve", "nonsense", "retry").err
    cancelled = stack.run("exceptions", "resolve", case_id, "cancel", "--note", "not sold any more")
    assert cancelled.code == 0
    stack.until(lambda: stack.order(key)["state"], lambda state: state == "cancelled")
    table = stack.run("exceptions", "list", "--all")
    assert (table.code, case_id in table.out) == (0, True)


def test_an_order_nobody_captured_cannot_be_cancelled(stack: Stack) -> None:
    done = stack.run("order", "cancel", "shopify/main/404404")
    assert (done.code, done.out) == (1, "")
    assert "no running order shopify/main/404404" in done.err


def test_a_settlement_file_is_posted_once_and_closes_its_order(
    stack: Stack, orders: list[dict[str, Any]], tmp_path: Path
) -> None:
    key = stack.until(lambda: stack.json("order", "list", "--state", "shipped"), bool)[-1]["key"]
    shown = stack.order(key)
    total = shown["order"]["total"]
    net = str(Decimal(total["amount"]) - Decimal("1.00"))
    row = {"id": 1, "type": "charge", "currency": total["currency"], "amount": total["amount"], "fee": "1.00"}
    row |= {"net": net, "source_order_id": int(key.split("/")[2]), "processed_at": "2026-11-30T00:00:00Z"}
    paid = {"id": 4711, "status": "paid", "date": "2026-12-01", "currency": total["currency"], "amount": net}
    path = tmp_path / "payout.json"
    path.write_text(json.dumps({"payout": paid, "transactions": [row]}))

    posted = stack.json("settle", path)["result"]
    assert posted["settlement_id"] == "4711"
    assert posted["matched"] == posted["payout"] == {"amount": net, "currency": total["currency"]}
    assert stack.json("settle", path, "--channel", "shopify")["result"] == posted
    text = stack.run("settle", path)
    assert f"settlement 4711: payout {net} {total['currency']} = matched {net}" in text.out
    closed = stack.until(lambda: stack.order(key), lambda order: order["state"] == "closed")
    assert sorted(line["amount"] for line in closed["money"]) == sorted(["-1.00", total["amount"]])


def test_a_settlement_file_that_is_wrong_is_refused_whole(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "payout.json"
    paid = {"id": 4712, "status": "paid", "date": "2026-12-01", "currency": "EUR", "amount": "5.00"}
    path.write_text(json.dumps({"payout": paid, "transactions": []}))
    text = stack.run("settle", path)
    assert text.code == 1
    assert "sum_differs" in text.err
    assert stack.json("settle", path, code=1)["result"] is None
    garbage = tmp_path / "garbage.txt"
    garbage.write_bytes(b"\xff\xfe\x00")
    nobody = stack.run("settle", garbage)
    assert (nobody.code, nobody.out) == (1, "")
    assert "no channel understands this settlement file" in nobody.err
    missing = stack.run("settle", tmp_path / "missing.txt")
    assert (missing.code, missing.out) == (1, "")
    assert "cannot read" in missing.err


def test_schedules_are_applied_again_without_harm(stack: Stack) -> None:
    every = {"returns": 900, "settlements": 3600, "payments": 3600, "stock": 60, "audit": 3600}
    for seconds in (7, 1):
        applied = stack.json("schedules", "apply", "--poll-seconds", str(seconds))
        shop_schedules = {each["schedule"]: each["every_seconds"] for each in applied if "shopify" in each["schedule"]}
        assert shop_schedules == {
            "orders/shopify/main": seconds,
            **{f"{kind}/shopify/main": number for kind, number in every.items()},
        }
        assert len(applied) == 5 * len(shop_schedules) + 1
        assert {"schedule": "inventory", "every_seconds": 3600}.items() <= applied[-1].items()
    assert "orders/shopify/main" in stack.run("schedules", "apply", "--poll-seconds", "1").out


def test_the_channels_say_where_they_stand(stack: Stack, orders: list[dict[str, Any]]) -> None:
    def look() -> Any:
        return {each["channel"]: each for each in stack.json("channels", "status")}

    status = stack.until(look, lambda found: all(each["last_success_at"] for each in found.values()))
    assert set(status) == {"amazon", "mirakl", "shopify", "storefront", "walmart"}
    shopify = status["shopify"]
    assert (shopify["account"], shopify["api_version"], shopify["connected"]) == ("main", "2026-10", True)
    assert shopify["sunset"] == "2027-10-01"
    assert shopify["lag_seconds"] < 60
    assert all(each["quotas"] for each in status.values())
    table = stack.run("channels", "status")
    assert (table.code, "decora-eu" in table.out) == (0, True)


def test_unknown_fields_are_counted_and_shown(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    stack.ingest(path, shop.order(id=701, cancelled_at="2026-11-20T10:00:00Z", gift_story="private"))
    status = stack.json("channels", "status", "--channel", "shopify")
    [drift] = [each for each in status[0]["drift"] if "gift_story" in each["path"]]
    assert (drift["kind"], drift["value"], drift["api_version"]) == ("unknown_field", "", "2026-10")
    assert "gift_story" in stack.run("channels", "status").out


def test_a_connection_is_checked_end_to_end(stack: Stack, orders: list[dict[str, Any]]) -> None:
    for channel in ("amazon", "mirakl", "shopify", "storefront", "walmart"):
        [checked] = stack.json("channels", "check", channel)
        assert checked["ok"], checked
        assert [step["step"] for step in checked["steps"]][:2] == ["connection", "sign in and read orders"]
    nobody = stack.run("channels", "check", "shopify", "outlet")
    assert nobody.code == 2
    assert "no connection shopify/outlet" in nobody.err


def test_an_audit_compares_with_the_channel(stack: Stack, orders: list[dict[str, Any]]) -> None:
    def clean() -> Any:
        done = stack.run("channels", "audit", "--channel", "shopify", "--grace-seconds", "0", "--json")
        return done.json()[0]

    report = stack.until(clean, lambda found: not found["findings"])
    bought = stack.bought()
    assert (report["channel"], report["seen"], report["agreed"]) == ("shopify", len(bought), len(bought))
    table = stack.run("channels", "audit", "--channel", "shopify", "--grace-seconds", "0")
    assert (table.code, "Channel audit" in table.out) == (0, True)


def test_the_channels_know_the_stock(stack: Stack) -> None:
    told = stack.until(lambda: stack.json("channels", "stock", "--channel", "mirakl"), bool)
    assert {each["problem"] for each in told} == {None}
    assert [each["sku"] for each in told if each["quantity"] == 0] == ["KAYAK-2"]  # The one that no node has.
    assert stack.json("channels", "stock", "--problems") == []


def test_a_second_stack_in_the_same_directory_is_refused(stack: Stack) -> None:
    second = run("up", settings={"ORDERYARD_DATA_DIR": str(stack.info.data_dir)})
    assert second.code == 1
    assert "a stack already runs in" in second.err


def test_nothing_happened_twice(stack: Stack, orders: list[dict[str, Any]]) -> None:
    """After all of the above: one ERP order for each order of the shop, however often its webhook came."""
    created = [entry["key"] for entry in stack.sandbox("GET", "ledger?effect=order_created")]
    assert len(created) == len(set(created))
    assert set(created) <= {each["key"] for each in stack.json("order", "list", "--limit", "1000")}


def test_its_worker_runs_one_build_that_is_current_and_has_the_orders(stack: Stack) -> None:
    # A poll that has just begun is of no build until a worker has taken it.
    (build,) = stack.until(lambda: stack.json("versions"), lambda found: len(found) == 1)
    assert (build["build"], build["status"], build["workers"]) == (VERSION, "current", 1)
    assert build["orders"] > 0
    assert build["stumbling"] == 0
    assert VERSION in stack.run("versions").out
