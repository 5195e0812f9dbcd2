"""What has happened since the last look: parcels that left, goods that will not leave, and goods that came back.

Tryton stamps a change with the moment at which its transaction began, and shows it when that ends. So every look goes
back further than any transaction lasts; what was seen before has the same name, and is not asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from connectors.errors import SchemaDrift
from connectors.ports import Change, ChangePage, Report
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Domain, Record
from connectors.wms import documents
from connectors.wms.tryton.dispatches import CANCELLED, LEFT, OUT, Dispatches, DispatchReader
from connectors.wms.tryton.returning import BACK, DONE, ReturnReader, named, report_of
from models.base import Model, Moment
from models.order import OrderKey

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=15)
"""How far a look goes back behind the newest change that was seen, by Tryton's own clock."""
PAGE = 50
"""Shipments a page: all of a page are named in one URL."""
BY_CHANGE = ("last_modified_at", "id")
ENDS: dict[str, list[str]] = {OUT: [*sorted(LEFT), CANCELLED], BACK: [DONE]}
"""What is looked at -> the states in which it is news."""
SEEN = ("number", "reference", "state", "create_date", "last_modified_at")


class Mark(Model):
    """How far one kind of shipment was read."""

    after: Moment
    id: int = 0
    newest: Moment
    """The newest change of all that were seen: the next look begins `OVERLAP` before."""
    ended: bool = True
    """The look has come to its end, and the next one begins."""


class Cursor(Model):
    marks: dict[str, Mark]

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Of a warehouse that was never looked at, what happens from about now on."""
        if text is not None:
            return cls.model_validate_json(text)
        since = datetime.now(UTC) - OVERLAP
        return cls(marks={kind: Mark(after=since, newest=since) for kind in ENDS})

    @property
    def going_on(self) -> list[str]:
        """The kinds whose look has not ended; all of them, when a new look begins."""
        return [kind for kind, mark in self.marks.items() if not mark.ended] or list(self.marks)


class Watching:
    def __init__(self, client: TrytonClient, reader: DispatchReader) -> None:
        self._client, self._reader, self._returns = client, reader, ReturnReader(client)

    async def changes(self, cursor: str | None) -> ChangePage:
        read = Cursor.read(cursor)
        marks, found = dict(read.marks), []
        for kind in read.going_on:
            records = await self._page(kind, marks[kind])
            marks[kind] = _moved(marks[kind], records)
            found += [_change(kind, record) for record in records]
        more = not all(mark.ended for mark in marks.values())
        return ChangePage(changes=tuple(found), cursor=Cursor(marks=marks).model_dump_json(), more=more)

    async def reports(self, changes: Sequence[Change]) -> list[Report]:
        """At most a page of them. A release is told as a whole: what of it left before, too."""
        left = sorted({change.subject for change in changes if change.kind == OUT})
        back = sorted({int(change.subject) for change in changes if change.kind == BACK})
        releases = (await self._reader.of_all(left)).values() if left else ()
        returns = await self._returns.of(back) if back else ()
        return [*(report for each in releases for report in _told(each)), *(_told_back(each) for each in returns)]

    async def _page(self, kind: str, mark: Mark) -> list[Record]:
        same_moment = [["last_modified_at", "=", mark.after], ["id", ">", mark.id]]
        later = ["OR", ["last_modified_at", ">", mark.after], same_moment]
        domain: Domain = [["company", "=", self._client.company], ["state", "in", ENDS[kind]], later]
        if kind == OUT:
            domain.append(["reference", "!=", None])
        return await self._client.search(kind, domain, SEEN, limit=PAGE, by=BY_CHANGE)


def _moved(mark: Mark, records: Sequence[Record]) -> Mark:
    """The mark behind a page. Whatever changes meanwhile gets a later time, and comes on a later page."""
    newest = max([mark.newest, *(record["last_modified_at"] for record in records)])
    if len(records) < PAGE:
        return Mark(after=newest - OVERLAP, newest=newest)
    last = records[-1]
    return Mark(after=last["last_modified_at"], id=last["id"], newest=newest, ended=False)


def _change(kind: str, record: Record) -> Change:
    """A cancellation has no name under which a report is kept: it is looked at again as long as looks go back to it."""
    if kind == BACK:
        return Change(name=_name_of_return(record), kind=kind, subject=str(record["id"]))
    reference, number = record["reference"], record["number"] or ""
    name = _cancelled(reference, number) if record["state"] == CANCELLED else _parcel(reference, number)
    return Change(name=name, kind=kind, subject=reference)


def _told(found: Dispatches) -> list[Report]:
    """Of a release that is ours. A note that cannot be read holds up no other release: the order goes on asking."""
    try:
        plan = found.plan
    except SchemaDrift as drift:
        log.warning("release in the warehouse is not understood", fulfilment_id=found.fulfilment_id, error=str(drift))
        return []
    if plan is None:
        return []
    name, reply_to = found.fulfilment_id, plan.reply_to or _order_of(found.fulfilment_id)
    told = [
        _report(_parcel(name, each.shipment_id), name, documents.shipment_report(reply_to, each))
        for each in found.shipments()
    ]
    if (shortfall := found.shortfall()) and not found.was_stopped:
        told.append(_report(shortfall.report_id, name, documents.shortfall_report(reply_to, shortfall)))
    return told


def _told_back(record: Record) -> Report:
    order, rma = named(record["reference"] or "")
    return _report(_name_of_return(record), rma or (str(order) if order else ""), report_of(record))


def _report(name: str, external_id: str, document: Record) -> Report:
    return Report(name=name, topic=document["event"], external_id=external_id, body=json.dumps(document).encode())


def _order_of(fulfilment_id: str) -> str:
    """Who waits for a release whose note does not say."""
    return OrderKey.from_string(fulfilment_id.rpartition("#")[0]).workflow_id


def _parcel(fulfilment_id: str, number: str) -> str:
    return f"{fulfilment_id}/{number}"


def _cancelled(fulfilment_id: str, number: str) -> str:
    return f"{fulfilment_id}/{number} cancelled"


def _name_of_return(record: Record) -> str:
    """With the moment at which it was made: numbers begin anew in a new database."""
    return f"{record['number']}@{record['create_date'].isoformat()}"
