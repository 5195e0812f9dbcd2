"""What a demo run came to, counted from the sandbox's ledger and the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cli.audit import duplicates, unequal
from cli.channels import print_audits
from cli.inventory import print_inventory
from cli.output import console, rows
from cli.told import Told, print_stories
from models.audit import AuditReport, Finding, Verdict
from models.inventory import InventoryReport, Standing
from models.messages import FINAL_STATES
from models.settlement import SettlementResult
from store import cases, inbox, inventory, orders, settlements, stock
from store.database import Database


@dataclass(frozen=True)
class DemoResult:
    by_channel_and_state: dict[tuple[str, str], int]
    captured_short: int
    """Orders that were sold and never captured."""
    duplicates: dict[str, int]
    unequal: dict[str, str]
    open_cases: int
    dead_letters: list[dict[str, Any]]
    latencies: Sequence[float]
    settlements: Sequence[SettlementResult]
    seconds: float = 0.0
    decisions: Counter[str] = field(default_factory=Counter)
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Channel and effect -> how often it really happened there."""
    audits: Sequence[AuditReport] = ()
    """Each channel's own list against our registry, at the end."""
    stories: Sequence[Told] = ()
    still_reserved: int = 0
    """Units that are reserved although every order has ended."""
    inventory: InventoryReport | None = None
    standing: Sequence[Standing] = ()
    """What store, warehouse, ERP and channels say differently of the stock at the end."""

    @property
    def orders(self) -> int:
        return sum(self.by_channel_and_state.values())

    @property
    def unfinished(self) -> int:
        ended = sum(n for (_, state), n in self.by_channel_and_state.items() if state in FINAL_STATES)
        return self.orders - ended + self.captured_short

    @property
    def duplicate_effects(self) -> int:
        return sum(self.duplicates.values())

    @property
    def good(self) -> bool:
        sums = all(each.payout == each.matched + each.residual for each in self.settlements)
        clean = not (self.unfinished or self.duplicate_effects or self.unequal or self.open_cases)
        told = not any(story.failed for story in self.stories)
        return bool(self.orders) and clean and sums and told and not self.unexplained and not self.still_reserved

    @property
    def unexplained(self) -> list[Finding]:
        """What the channels know and we do not, or know otherwise."""
        apart = (Verdict.MISSING, Verdict.DIFFERS)
        return [finding for audit in self.audits for finding in audit.findings if finding.verdict in apart]

    def quantile(self, share: float) -> float | None:
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None

    def money(self) -> dict[str, dict[str, str]]:
        """Currency -> payout, matched, residual, summed over its settlements; the largest currency first."""
        sums: dict[str, Counter[str]] = {}
        for each in self.settlements:
            of_currency: Any = sums.setdefault(each.payout.currency, Counter())
            for name in ("payout", "matched", "residual"):
                of_currency[name] += getattr(each, name).amount
            of_currency["lines"] += each.lines
        by_size = sorted(sums.items(), key=lambda item: -item[1]["lines"])
        return {c: {name: str(Decimal(s[name])) for name in ("payout", "matched", "residual")} for c, s in by_size}

    def as_json(self) -> dict[str, Any]:
        by_channel: Counter[str] = Counter()
        by_outcome: Counter[str] = Counter()
        for (channel, state), count in self.by_channel_and_state.items():
            by_channel[channel] += count
            by_outcome[state] += count
        money = self.money()
        main = next(iter(money), "USD")
        return {
            "orders": self.orders,
            "by_channel": dict(by_channel),
            "by_outcome": dict(by_outcome),
            "unfinished": self.unfinished,
            "duplicate_effects": self.duplicate_effects,
            "open_cases": self.open_cases,
            "release_latency_seconds": {"p50": self.quantile(0.5), "p95": self.quantile(0.95)},
            "settlement": {
                **money.get(main, dict.fromkeys(("payout", "matched", "residual"), "0.00")),
                "currency": main,
            },
            "settlement_by_currency": money,
            "unequal_effects": self.unequal,
            "doubled": self.duplicates,
            "refused": self.dead_letters,
            "still_reserved": self.still_reserved,
            "inventory_accuracy": str(self.inventory.accuracy) if self.inventory else None,
            "stories": [
                {
                    "story": told.name,
                    "orders": [str(key) for key in told.keys],
                    "what": told.what,
                    "state": told.state,
                    "failed": told.failed,
                }
                for told in self.stories
            ],
            "decisions": dict(self.decisions),
            "channel_effects": {f"{channel}/{effect}": n for (channel, effect), n in sorted(self.effects.items())},
            "audit": [
                {"channel": a.channel, "seen": a.seen, "agreed": a.agreed, "findings": len(a.findings)}
                for a in self.audits
            ],
            "seconds": round(self.seconds, 1),
        }


async def counted(
    database: Database,
    entries: list[dict[str, Any]],
    sold: int,
    seconds: float,
    decisions: Counter[str],
    audits: Sequence[AuditReport] = (),
) -> DemoResult:
    async with database.session() as session:
        by_state = await orders.counts_by_channel_and_state(session)
        found = await orders.find(session, limit=1_000_000)
        open_cases = await cases.find(session, limit=1_000_000)
        dead = await inbox.dead_letters(session, limit=1_000_000)
        captured = await inbox.captured(session)
        latencies = await orders.release_latencies(session)
        posted = await settlements.find(session, limit=1_000_000)
        levels = await stock.levels(session)
        standing = await inventory.standing(session)
    parcels = {
        row.order_key: sum(1 for parcel in (row.snapshot or {}).get("shipments", []) if parcel["units"])
        for row in found
        if row.state != "cancelled"
    }
    channels = {channel for channel, _ in by_state}
    effects = Counter((entry["system"], entry["effect"]) for entry in entries if entry["system"] in channels)
    refused = [{"file": event.external_id, **refusal} for event in dead for refusal in event.refusals]
    return DemoResult(
        by_channel_and_state=by_state,
        captured_short=max(0, sold - captured),
        duplicates=duplicates(entries),
        unequal=unequal(entries, parcels),
        open_cases=len(open_cases),
        dead_letters=refused,
        latencies=latencies,
        settlements=posted,
        seconds=seconds,
        decisions=decisions,
        effects=effects,
        audits=audits,
        still_reserved=sum(level.reserved for level in levels),
        standing=standing,
    )


def print_result(result: DemoResult) -> None:
    states = sorted({state for _, state in result.by_channel_and_state})
    channels = sorted({channel for channel, _ in result.by_channel_and_state})
    counts = result.by_channel_and_state
    rows(
        f"{result.orders} orders in {result.seconds:.0f} s",
        ("channel", *states, "all"),
        [
            (
                channel,
                *(counts.get((channel, state), 0) for state in states),
                sum(counts.get((channel, s), 0) for s in states),
            )
            for channel in channels
        ],
    )
    rows(
        "What the channels saw",
        ("channel", "effect", "times"),
        [(channel, effect.replace("_", " "), count) for (channel, effect), count in sorted(result.effects.items())],
    )
    if result.audits:
        print_audits(list(result.audits))
    if result.stories:
        print_stories(result.stories)
    if result.inventory:
        print_inventory(result.inventory, result.standing)
    rows("Decisions of the operator", ("case", "number"), sorted(result.decisions.items()))
    if result.dead_letters:
        lines = [(r["external_id"], r["reason"], r["path"], r["value"], r["remedy"]) for r in result.dead_letters]
        rows("Refused payloads", ("order", "reason", "path", "value", "remedy"), lines)
    rows(
        "Settlements: payout = matched + residual",
        ("channel", "settlement", "payout", "matched", "residual", "residuals"),
        [
            (s.channel, s.settlement_id, s.payout, s.matched, s.residual, ", ".join(sorted(s.residuals)))
            for s in result.settlements
        ],
    )
    console.print(
        f"release latency p50 {result.quantile(0.5)} s, p95 {result.quantile(0.95)} s;"
        f" unfinished {result.unfinished}, open cases {result.open_cases}, doubled effects {result.duplicate_effects},"
        f" units still reserved {result.still_reserved}"
    )
    for key, what in result.unequal.items():
        console.print(f"{key}: {what}", style="red")
    for effect, surplus in result.duplicates.items():
        console.print(f"{effect}: {surplus} too many", style="red")
