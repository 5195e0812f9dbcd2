"""Orders and their cases as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cli.output import console, rows

QUANTITIES = ("open", "reserved", "released", "shipped", "cancelled", "returned", "refunded")
Document = dict[str, Any]


def print_list(found: list[Document]) -> None:
    rows(
        "Orders",
        ("key", "state", "total", "ship by (UTC)", "waits for"),
        [(o["key"], o["state"], o["total"], _time(str(o["ship_by"] or "")), o["waiting_for"]) for o in found],
    )


def print_order(order: Document) -> None:
    snapshot, payload = order["snapshot"] or {}, order["order"]
    _print_head(order, snapshot)
    rows(
        "Lines",
        ("line", "SKU", "title", "ordered", *QUANTITIES),
        [_line(line, snapshot) for line in payload["lines"]],
    )
    rows(
        "Timeline",
        ("when (UTC)", "state", "cause", "actor", "authority"),
        [(_time(e["at"]), e["state"], e["cause"], e["actor"], e["authority"]) for e in order["timeline"]],
    )
    _print_deadlines(snapshot)
    _print_cases_of(order["cases"])
    _rows_if_any(
        "Cancellations",
        ("answer", "cancelled units", "too late for", "return offered", "reason"),
        [
            (
                c["status"],
                _units(c["units"]),
                _units(c["declined_units"]),
                "yes" if c["return_offered"] else "",
                c["reason"],
            )
            for c in snapshot.get("cancellations", ())
        ],
    )
    _print_goods_and_money(order, snapshot)


def print_cases(open_cases: list[Document]) -> None:
    rows(
        "Open cases",
        ("case", "kind", "owner", "since (UTC)", "subject", "ends by itself (UTC)", "reason", "possible"),
        [
            (
                c["case_id"],
                c["kind"],
                c["owner"],
                _time(c["opened_at"]),
                c["subject"],
                _expiry(c),
                c["reason"],
                ", ".join(c["allowed"]),
            )
            for c in open_cases
        ],
    )


def _print_head(order: Document, snapshot: Document) -> None:
    console.print(f"{order['key']}  {order['state']}  {_money(order['order']['total'])}", style="bold")
    if waiting := snapshot.get("waiting_for"):
        console.print(f"waits for {waiting}")
    if hold := snapshot.get("hold"):
        ends = f" until {_time(hold['expires_at'])} UTC" if hold["expires_at"] else ""
        console.print(f"held by {hold['actor']}{ends}: {hold['reason']}")
    for step, fallback in snapshot.get("degraded", {}).items():
        console.print(f"degraded at {step}: {fallback}")
    if untold := snapshot.get("untold"):
        console.print(f"does not know how it stands yet: {', '.join(untold)}")
    if order["temporal"]:
        console.print(order["temporal"], soft_wrap=True)


def _print_deadlines(snapshot: Document) -> None:
    _rows_if_any(
        "Deadlines",
        ("deadline", "due (UTC)", "stands", "then"),
        [(d["kind"], _time(d["due"]), _stands(d), d["acts"]) for d in snapshot.get("deadlines", ())],
    )


def _print_goods_and_money(order: Document, snapshot: Document) -> None:
    _rows_if_any(
        "Parcels",
        ("node", "carrier", "tracking", "line: units", "invoice"),
        [
            (s["node"], s["carrier"], s["tracking"], _units(s["units"]), s["invoice"])
            for s in snapshot.get("shipments", ())
        ],
    )
    _rows_if_any(
        "Returns",
        ("return", "RMA", "state", "line: units", "in the UI"),
        [(r["return"], r["rma"], r["state"], _units(r["units"]), r["temporal"]) for r in order["returns"]],
    )
    _rows_if_any(
        "Refunds",
        ("refund", "reason", "state", "total", "in the UI"),
        [(r["id"], r["reason"], r["state"], r["total"], r["temporal"]) for r in order["refunds"]],
    )
    _rows_if_any(
        "Settlement lines",
        ("settlement", "type", "label", "amount"),
        [(m["settlement"], m["type"], m["label"], m["amount"]) for m in order["money"]],
    )
    figures = [(name, snapshot.get(name)) for name in ("expected", "received", "fees", "refunded")]
    _rows_if_any("Money", ("figure", "amount"), [(name, _money(each)) for name, each in figures if each])


def _print_cases_of(its_cases: list[Document]) -> None:
    if open_cases := [case for case in its_cases if not case["resolved_at"]]:
        print_cases(open_cases)
    _rows_if_any(
        "Decided cases",
        ("kind", "opened (UTC)", "decided (UTC)", "decision", "reason"),
        [
            (c["kind"], _time(c["opened_at"]), _time(c["resolved_at"]), _decision(c), c["reason"])
            for c in its_cases
            if c["resolved_at"]
        ],
    )


def _rows_if_any(title: str, columns: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    if lines:
        rows(title, columns, lines)


def _line(line: Document, snapshot: Document) -> tuple[object, ...]:
    counted = snapshot.get("quantities", {}).get("lines", {}).get(line["line_id"], {})
    return (line["line_id"], line["sku"], line["title"], line["quantity"], *(counted.get(name) for name in QUANTITIES))


def _stands(deadline: Document) -> str:
    return "met" if deadline["met"] else "passed" if deadline["passed"] else "runs"


def _expiry(case: Document) -> str:
    return f"{_time(case['expires_at'])}: {case['on_expiry']}" if case["expires_at"] and case["on_expiry"] else ""


def _time(moment: str) -> str:
    return moment[:19].replace("T", " ")


def _units(units: dict[str, int]) -> str:
    return ", ".join(f"{line_id}: {count}" for line_id, count in units.items())


def _decision(case: Document) -> str:
    resolution = case["resolution"]
    if resolution is None:
        return "left alone: the order was cancelled"
    note = f": {resolution['note']}" if resolution["note"] else ""
    return f"{resolution['action']} by {resolution['actor']}{note}"


def _money(money: dict[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"
