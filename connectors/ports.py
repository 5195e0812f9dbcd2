"""What Orderyard needs of each kind of outside system. Providers implement these; nothing else knows the vendors.

Every write may be called more than once for the same thing and must have its effect once: the caller passes
`retry=True` when an earlier attempt may have succeeded, and the provider then looks before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from connectors.errors import Failure
from models.bank import StatementLine
from models.base import Model, Moment
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    ChannelHealth,
    Progress,
    RefundReason,
    RefundRequest,
    ReturnDecision,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel, Release, Shipment, Shortfall
from models.ledger import AccountRole, Journal, OrderDocuments, Payment, StockLevel, TrialBalance
from models.order import ChannelState, Order, OrderKey
from models.refunds import TaxRefund
from models.returns import ChannelReturn, ReturnState
from models.settlement import Reading, Settlement
from models.settlement_rules import RuleSet
from models.systems import (
    CreditNote,
    ErpOrder,
    FraudVerdict,
    Notice,
    ReleaseCancelled,
    ReturnReceipt,
    TaxQuote,
)

__all__ = [
    "HINT_TOPIC",
    "BankBook",
    "Change",
    "ChangePage",
    "Channel",
    "ChannelFormat",
    "CreditNote",
    "Drift",
    "Erp",
    "ErpOrder",
    "Fraud",
    "FraudVerdict",
    "Journals",
    "Ledger",
    "Notice",
    "Notifier",
    "OrderPage",
    "Parsed",
    "ParsedReturns",
    "PolledOrder",
    "Refusal",
    "ReleaseCancelled",
    "Report",
    "ReturnPage",
    "ReturnReceipt",
    "SettlementRef",
    "StockBook",
    "Tax",
    "TaxQuote",
    "TaxRefund",
    "Vocabulary",
    "Watched",
    "WebhookEvent",
    "WebhookRefused",
    "Wms",
    "WmsReport",
]


class Refusal(Model):
    """Why a payload, or one order of it, did not become a canonical order."""

    reason: str
    """Stable word: `not_json`, `not_an_order`, `missing`, `wrong_type`, `items_absent`, `totals_differ` …"""
    path: str
    value: str
    remedy: str
    external_id: str | None = None

    def __str__(self) -> str:
        return f"{self.reason} at {self.path}: {self.value}. {self.remedy}"


class Drift(Model):
    """Something in a payload that the mapping does not know: counted and shown, never a reason to refuse by itself."""

    kind: Literal["unknown_field", "unknown_value"]
    path: str
    """Without positions in lists, so that the same drift counts as one: `orderLines.orderLine[].giftWrap`."""
    value: str = ""
    """Of an unknown value: the word. Never the content of an unknown field, which may be personal data."""


class Parsed(Model):
    """Everything a payload yields: orders whose totals add up, and a named refusal for each that is not one."""

    orders: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    drift: tuple[Drift, ...] = ()


class ParsedReturns(Model):
    """Everything that a payload about returns yields."""

    returns: tuple[ChannelReturn, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    drift: tuple[Drift, ...] = ()


HINT_TOPIC = "hint"
"""Topic of a delivery that names an order and says nothing reliable of it: the order is to be read again."""


@dataclass(frozen=True)
class Vocabulary:
    """A channel's words and ours, both ways, as explicit tables."""

    states: Mapping[str, ChannelState]
    """The channel's word for an order's (or a line's) state -> ours. A word that is not here is refused by name."""
    state_words: Mapping[ChannelState, str]
    """Our state -> the word that the channel would use for it; each reads back to the same state."""
    cancel_reasons: Mapping[CancelReason, str]
    refund_reasons: Mapping[RefundReason, str]
    return_states: Mapping[str, ReturnState]
    failures: Mapping[str, Failure]
    """The channel's error code (or `http_409`) -> what it means to us. A code that is not here is `Declined`."""
    carriers: Mapping[str, str] = field(default_factory=dict)
    """A carrier's plain name (letters and digits, lower case) -> the channel's code for it."""


class WebhookEvent(Model):
    """What a verified delivery says about itself."""

    delivery_id: str
    """Vendor's delivery id: the same on a retry of the same delivery."""
    topic: str
    """`orders/…` with an order in the body, `returns/…` with a return, or `HINT_TOPIC`."""
    external_id: str | None = None


class WebhookRefused(Exception):
    """The delivery is not authentic (bad or missing signature, too old)."""


class ChannelFormat(Protocol):
    """The pure half of a channel: total functions over bytes, no I/O."""

    channel: str
    mapping_version: int
    """Raised when a payload that was parsed before would be parsed differently."""
    api_version: str
    """The version of the channel's contract that is understood."""
    vocabulary: Vocabulary

    def parse(self, body: bytes, account: str) -> Parsed:
        """Any bytes in; canonical orders and named refusals out. Never raises."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        """Check a webhook's raw body against current and former secrets. Raises `WebhookRefused`."""
        ...

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        """Any bytes in; returns and named refusals out. Never raises."""
        ...

    settlement_rules: RuleSet
    """What the channel's settlement labels mean, as shipped."""

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        """One settlement, in memory. Raises `SchemaDrift` naming line, column and value; `sum_differs` when the lines
        are not the payout."""
        ...

    def read_settlement(self, file: BinaryIO, account: str, rules: RuleSet | None = None) -> Reading:
        """The same as a stream over a seekable file, for one settlement or several; sums are not proven here.

        Each line has a number and labels that are the same whenever the document is read; its type is by `rules`.
        """
        ...


class PolledOrder(Model):
    """One order as read from the channel, raw, to be kept before it is understood."""

    external_id: str
    version: Moment
    body: bytes


class OrderPage(Model):
    orders: tuple[PolledOrder, ...]
    cursor: str
    """Opaque; to be stored only together with this page, and handed to the next poll."""
    more: bool
    """True when the next page is ready now."""


class ReturnPage(Model):
    returns: tuple[PolledOrder, ...]
    """Each with the return's id as its `external_id`."""
    cursor: str
    more: bool


class SettlementRef(Model):
    settlement_id: str
    document_id: str


class Channel(Protocol):
    """The calling half of a channel, for one account."""

    name: str
    account: str

    async def poll(self, cursor: str | None) -> OrderPage:
        """Read one page of orders changed since the cursor (`None`: since the configured start)."""
        ...

    async def aclose(self) -> None: ...

    def cursor_from(self, moment: datetime) -> str:
        """The cursor of a poll that begins with what changed at this moment."""
        ...

    async def order(self, external_id: str) -> bytes:
        """One order as it stands now, for `ChannelFormat.parse`. Raises `Declined` (`not_found`) when unknown."""
        ...

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """Take the order. A channel that does not ask for it answers that it is done."""
        ...

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """Tell the channel that a parcel left."""
        ...

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        """Cancel units. Those that are cancelled already are done; raises `Declined` for those that have left, and with
        `not_found` when the channel has no such order."""
        ...

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        """Pay the buyer back, once. Raises `Declined` beyond what is left to refund."""
        ...

    async def returns(self, cursor: str | None) -> ReturnPage:
        """Read one page of returns changed since the cursor (`None`: since the configured start)."""
        ...

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        """Raises `Declined` (`unsupported`) for an action that the channel leaves to itself."""
        ...

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        """Set what may be sold, absolutely. A SKU that the channel refuses is in `rejected`; the others are set."""
        ...

    async def follow(self, operation: str) -> Progress:
        """What became of a request that was under way. Raises `Declined` with the channel's reason when it failed."""
        ...

    def health(self) -> ChannelHealth:
        """What is known without asking the channel."""
        ...

    async def settlements(self) -> list[SettlementRef]:
        """The settlements the channel has ready, oldest first."""
        ...

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        """Write the document into an empty file, as it comes, for `ChannelFormat.read_settlement`: memory does not grow
        with it. When this raises, what is in the file is a part of a document: throw it away."""
        ...


class Erp(Protocol):
    async def ping(self) -> None:
        """Ask whether the ERP is there and takes our credentials; nothing is changed."""
        ...

    async def create_order(self, request: ErpOrder, *, retry: bool) -> str:
        """Post a sales order under the order key; returns the ERP's document number."""
        ...

    async def change_order(self, request: ErpOrder, *, retry: bool) -> None:
        """Bring the sales order to this state: cancelled units, SKUs, address. Absolute, so that twice is once.

        Raises `Declined` when units that are to be cancelled have been shipped, or the order is not there.
        """
        ...

    async def cancel_order(self, key: OrderKey, correlation_id: str) -> None:
        """Cancel the sales order of a key; not an error when there is none."""
        ...

    async def post_shipment(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        """Record a shipment; returns its document number."""
        ...

    async def post_invoice(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        """Invoice a shipment; returns the invoice number."""
        ...

    async def post_credit_note(self, note: CreditNote, *, retry: bool) -> str:
        """Credit units or money of an invoiced order; returns the document's number. Raises `Declined` beyond what was
        invoiced."""
        ...

    async def receive_return(self, receipt: ReturnReceipt, *, retry: bool) -> str:
        """Take inspected goods back: resellable ones into stock, others out of it; returns the document's number."""
        ...


class Ledger(Protocol):
    """The books behind an ERP: what settlements are posted to, and what reconciliation reads."""

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        """Post a balanced entry; returns its number. Raises `Declined` (`period_closed`, `unknown_account` …)."""
        ...

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        """Post the opposite of a journal, on its date; returns the reversal's number. Raises `Declined` (`not_found`)
        when the journal is not in the books."""
        ...

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        """Pay an order's invoices from the clearing account; returns the entry's number. Raises `Declined`
        (`not_found`) when nothing of the order is invoiced, or less than is paid while more invoices are to come."""
        ...

    async def post_statement_line(self, line: StatementLine, *, retry: bool) -> str:
        """Book a movement on a bank account against the payouts under way, and reconcile it with the payout that it
        brings where the amounts are the same; returns the entry's number.

        Raises `Declined`: `unknown_account` (no account for payouts under way, or no such bank account),
        `unknown_currency`, `period_closed`, `not_found` (the payout's journal is not in the books).
        """
        ...

    async def stock_levels(self, entity: str = "") -> tuple[StockLevel, ...]:
        """What the books have on hand, for each node and item that they know."""
        ...

    async def order_documents(self, key: OrderKey, entity: str = "") -> OrderDocuments | None:
        """What is booked for an order; None when there is no sales order."""
        ...

    async def trial_balance(self, entity: str = "") -> TrialBalance: ...


class Journals(Protocol):
    """The part of a `Ledger` that settlements are posted to."""

    @property
    def payouts_on(self) -> AccountRole:
        """Where a settlement's payout is debited: `transit` when the connection has that account, else `bank`."""
        ...

    async def post_journal(self, journal: Journal, *, retry: bool) -> str: ...

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str: ...

    async def post_payment(self, payment: Payment, *, retry: bool) -> str: ...


class BankBook(Journals, Protocol):
    """The part of a `Ledger` that bank statements are posted to, too."""

    async def post_statement_line(self, line: StatementLine, *, retry: bool) -> str: ...


@runtime_checkable
class StockBook(Protocol):
    """A system that says what it has on hand: the books, or the warehouse. Not every ERP and WMS can."""

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        """For each node and item that it knows; of the books, those of the main company. None: it cannot say."""
        ...


class Wms(Protocol):
    async def ping(self) -> None:
        """Ask whether the warehouse is there and takes our credentials; nothing is changed."""
        ...

    async def release(self, release: Release, *, retry: bool) -> None:
        """Instruct a node to ship."""
        ...

    async def cancel(self, fulfilment_id: str, correlation_id: str) -> ReleaseCancelled:
        """Ask the warehouse to stop; its answer is the truth.

        Confirmed: whatever has not left will not leave (`shipments` says what has). Confirmed, too, when it never heard
        of the release, which it then refuses should it come. Not confirmed: everything leaves, or has left.
        """
        ...

    async def shipments(self, fulfilment_id: str, correlation_id: str) -> list[Shipment]:
        """Shipments of a release: heals a lost report, and is how we hear of a warehouse that reports nothing."""
        ...

    async def shortfalls(self, fulfilment_id: str, correlation_id: str) -> list[Shortfall]:
        """Units of a release that will not leave; none from a warehouse that reports them and cannot be asked."""
        ...


class WmsReport(Model):
    """What the warehouse pushes, and the workflow that waits for it: exactly one of a parcel that left, units that will
    not leave, or goods that came back."""

    reply_to: str
    shipment: Shipment | None = None
    shortfall: Shortfall | None = None
    receipt: ReturnReceipt | None = None


class Change(Model):
    """Something that happened in a warehouse, and may have to be told."""

    name: str
    """The same whenever it is read, and of nothing else: its report is kept under it, once."""
    kind: str
    subject: str
    """What the warehouse is asked for to tell it; with `kind`, the provider's own business."""


class ChangePage(Model):
    changes: tuple[Change, ...]
    cursor: str
    """Opaque; to be stored only together with the reports of this page, and handed to the next look."""
    more: bool
    """True when the next page is ready now."""


class Report(Model):
    """A warehouse's report, written as the REST contract has it (`docs/contracts/wms.md`)."""

    name: str
    topic: str
    """`shipment`, `shortfall` or `return_received`."""
    external_id: str
    """Fulfilment id or RMA; empty when nobody said."""
    body: bytes


@runtime_checkable
class Watched(Protocol):
    """A warehouse that reports nothing by itself, and can be asked what has happened in all of it. Not every WMS."""

    async def changes(self, cursor: str | None) -> ChangePage:
        """One page of what happened since the cursor (`None`: from about now on). The same may be in several looks:
        whatever becomes visible late is in one of them."""
        ...

    async def reports(self, changes: Sequence[Change]) -> list[Report]:
        """What is to be told of these; of some changes nothing, or more than themselves."""
        ...


NO_CODES: Mapping[str, str] = {}
INVALID_TAX_CODE = "invalid_tax_code"
"""Code of `Declined` when a tax engine does not know the tax code of goods."""


class Tax(Protocol):
    async def ping(self) -> None:
        """Ask whether the engine is there and takes our credentials; nothing is changed."""
        ...

    async def quote(self, order: Order, *, retry: bool, codes: Mapping[str, str] = NO_CODES) -> TaxQuote:
        """Record the seller's tax of an order as an uncommitted transaction; `codes` is SKU -> tax code of goods.

        Raises `Declined` with `INVALID_TAX_CODE` and the field `tax_code:<code>` when the engine does not know one.
        """
        ...

    async def commit(self, document: str, correlation_id: str) -> None: ...

    async def void(self, document: str, correlation_id: str) -> None:
        """Void a recorded transaction; not an error when there is none."""
        ...

    async def refund(self, refund: TaxRefund, *, retry: bool) -> str | None:
        """Take the tax of a refund back; its document's code, or None when the sale was never recorded."""
        ...


class Fraud(Protocol):
    async def ping(self) -> None:
        """Ask whether the service is there; nothing is changed."""
        ...

    async def assess(self, order: Order) -> FraudVerdict: ...


class Notifier(Protocol):
    async def send(self, notice: Notice) -> None: ...
