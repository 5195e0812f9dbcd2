"""Every settlement-like file among the vendors' samples is proven, or refused with the place and the reason."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SchemaDrift
from connectors.providers import FORMATS
from connectors.settlement_files import prove
from models.settlement import Entry, LineType

CONTRACTS = next(
    (up / "shared" / "contracts" for up in Path(__file__).resolve().parents if (up / "shared" / "contracts").is_dir()),
    Path("shared/contracts"),
)
SAMPLES = CONTRACTS / "samples"
PROVEN = {
    # File -> settlement, payout, lines.
    "amazon/settlementV2__US_thirdparty_synthetic.txt": ("28471003921", "582.89 USD", "23"),
    "mirakl/settlement__PaymentVoucher_PayoutShop01.csv": ("230207", "29.14 EUR", "8"),
}
REFUSED = {
    # File -> reason, place.
    "amazon/finance__2024_balances.json": ("not_a_settlement", "line 1"),
    "amazon/finance__2024_summary.json": ("not_a_settlement", "line 1"),
    "amazon/finance__2024_transactions.json": ("not_a_settlement", "line 1"),
    "amazon/finance__transfers_payouts.json": ("not_a_settlement", "line 1"),
    "amazon/finance__v0_event_groups.json": ("not_a_settlement", "line 1"),
    "amazon/finance__v0_events_by_group.json": ("not_a_settlement", "line 1"),
    "amazon/settlement__fee_codes_observed.json": ("not_a_settlement", "line 1"),
    "mirakl/settlement__IV01_invoices.json": ("not_a_settlement", "$"),
    "mirakl/settlement__SBC11_billing_cycles.json": ("not_a_settlement", "data[0]"),
    "mirakl/settlement__TL02_transactions.json": ("payment_absent", "data[0].seller_billing_cycle_id"),
    "mirakl/settlement__TL03_request.json": ("not_a_settlement", "$"),
    "mirakl/settlement__TL04_status.json": ("not_a_settlement", "$"),
    "mirakl/settlement__sbc11-page1-response.json": ("not_a_settlement", "data[0]"),
    "mirakl/settlement__sbc11-page2-response.json": ("not_a_settlement", "data[0]"),
    "mirakl/settlement__tl01_payments.json": ("sum_differs", "lines[0]"),
    "mirakl/settlement__tl01_simpleOrder.json": ("payment_absent", "lines[0].accounting_document_number"),
    "mirakl/settlement__tl01_withRefund.json": ("payment_absent", "lines[0].accounting_document_number"),
    "mirakl/settlement__tl01_withoutShipping.json": ("payment_absent", "lines[0].accounting_document_number"),
    "shopify/payment__py_transactions.json": ("not_a_settlement", "$"),
    "shopify/payment__transaction_get_test_1.json": ("missing", "response_body.transactions[0].type"),
    "shopify/payment__transaction_get_test_2.json": ("missing", "response_body.transactions[0].type"),
    "shopify/payment__transaction_post_test_4.json": ("not_a_settlement", "$"),
    "shopify/payment__transaction_post_test_5.json": ("not_a_settlement", "$"),
    "shopify/settlement__balance.json": ("not_a_settlement", "$"),
    "shopify/settlement__balance_transactions_for_payout.json": ("missing", "payout"),
    "shopify/settlement__go_payouts.json": ("missing", "transactions"),
    "shopify/settlement__payout.json": ("missing", "transactions"),
    "shopify/settlement__payouts_list.json": ("missing", "transactions"),
    "shopify/settlement__py_disputes.json": ("not_a_settlement", "$"),
    "shopify/settlement__py_payout.json": ("missing", "transactions"),
    "shopify/settlement__py_payouts.json": ("missing", "transactions"),
    "walmart/settlement__payment_statement.json": ("not_a_settlement", "reportData"),
    "walmart/settlement__performance.json": ("not_a_settlement", "reportData"),
    "walmart/settlement__recon_available_dates.json": ("not_a_settlement", "reportData"),
    "walmart/settlement__recon_v1_json.json": ("sum_differs", "line 1, column total payable"),
}
"""No payout is stated in it, or it is another kind of document: each is refused by name."""
EXCERPTS = {
    # File -> lines before its payout is missed, and their sum.
    "mirakl/settlement__TL02_transactions.json": (5, Decimal("-8.50")),
    "mirakl/settlement__tl01_simpleOrder.json": (4, Decimal("5000.00")),
    "mirakl/settlement__tl01_withRefund.json": (8, Decimal("5000.00")),
    "mirakl/settlement__tl01_withoutShipping.json": (4, Decimal("5000.00")),
    "walmart/settlement__recon_v1_json.json": (1, Decimal("14.98")),
}
FILES = sorted(
    str(path.relative_to(SAMPLES))
    for channel in ("amazon", "mirakl", "shopify", "walmart")
    for pattern in ("settlement*", "finance__*", "payment__*")
    for path in (SAMPLES / channel).glob(pattern)
)

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the vendors' samples are not at {SAMPLES}")


def verdict(name: str) -> tuple[str, ...]:
    channel = name.partition("/")[0]
    with (SAMPLES / name).open("rb") as file:
        try:
            proofs = prove(FORMATS[channel].read_settlement(file, "sample"))
        except SchemaDrift as drift:
            return ("refused", drift.reason, drift.path)
    (proof,) = proofs
    return ("proven", proof.statement.settlement_id, str(proof.statement.payout), str(proof.lines))


@pytest.mark.parametrize("name", FILES)
def test_a_sample_is_proven_to_the_cent_or_refused_by_name(name: str) -> None:
    known = {**{n: ("proven", *said) for n, said in PROVEN.items()}, **{n: ("refused", *s) for n, s in REFUSED.items()}}
    assert name in known, f"a sample that nobody has judged: {name} is {verdict(name)}"
    assert verdict(name) == known[name]


@pytest.mark.parametrize("name", EXCERPTS)
def test_the_lines_of_an_excerpt_are_all_understood_though_its_payout_is_not_in_it(name: str) -> None:
    channel = name.partition("/")[0]
    found: list[Entry] = []
    with (SAMPLES / name).open("rb") as file, suppress(SchemaDrift):
        found += (each for each in FORMATS[channel].read_settlement(file, "sample") if isinstance(each, Entry))
    types = Counter(each.line.type for each in found)
    assert (len(found), sum(each.line.amount.amount for each in found)) == EXCERPTS[name]
    assert LineType.UNKNOWN not in types


def test_a_payout_and_its_transactions_that_are_two_samples_are_read_as_one_document_and_do_not_add_up() -> None:
    """Shopify's own example: 64 transactions of a payout of which the sum is another."""
    document: dict[str, Any] = {}
    for name in ("payout", "balance_transactions_for_payout"):
        document |= json.loads((SAMPLES / f"shopify/settlement__{name}.json").read_text())["response_body"]
    with pytest.raises(SchemaDrift, match="sum_differs") as refused:
        prove(FORMATS["shopify"].read_settlement(io.BytesIO(json.dumps(document).encode()), "sample"))
    assert refused.value.path == "payout.amount"
    assert "stated 41.90 USD, sum of 64 lines 920.84" in refused.value.value
