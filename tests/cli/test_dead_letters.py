"""What an operator does about payloads that were refused, with the commands as they are typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.ports import Refusal
from store import inbox
from store.database import Database
from store.inbox import NewEvent
from store.tables import InboxEvent
from tests.cli.command import Ended, Shell, shell
from tests.conftest import run_in_own_loop

NOW = datetime.now(UTC)


def refusal(reason: str) -> Refusal:
    return Refusal(reason=reason, path="lines[0].qty", value="'two [/b]'", remedy="ask the channel")


class Letters:
    """A store with letters in it, and the commands."""

    def __init__(self, url: str, commands: Shell) -> None:
        self.url = url
        self._commands = commands

    def dead(self, delivery_id: str, reason: str = "wrong_type", body: bytes = b'{"qty": "two"}', **more: Any) -> int:
        fields = {"channel": "walmart", "account": "US", "source": "webhook", "topic": "orders/create", **more}
        event = NewEvent(delivery_id=delivery_id, body=body, headers={"X-Topic": "orders"}, **fields)

        async def keep() -> int:
            database = Database(self.url)
            async with database.session() as session:
                event_id = await inbox.keep(session, event)
                assert event_id is not None
                await inbox.finish(session, event_id, "dead", "refused", [refusal(reason)])
            await database.aclose()
            return event_id

        return run_in_own_loop(keep())

    def event(self, event_id: int) -> InboxEvent:
        async def read() -> InboxEvent:
            database = Database(self.url)
            async with database.session() as session:
                found = await inbox.get(session, event_id)
            await database.aclose()
            assert found is not None
            return found

        return run_in_own_loop(read())

    def run(self, *arguments: str | int | Path) -> Ended:
        return self._commands.run("dead-letters", *map(str, arguments))

    def json(self, *arguments: str | int | Path) -> Any:
        done = self.run(*arguments, "--json")
        assert (done.code, done.err) == (0, "")
        return done.json()

    def listed(self, *arguments: str) -> list[int]:
        return [each["id"] for each in self.json("list", *arguments)]


@pytest.fixture
def letters(database_url: str) -> Iterator[Letters]:
    """A store, and no engine: letters are delivered by whoever runs beside it."""
    with shell(ORDERYARD_DATABASE_URL=database_url, TEMPORAL_ADDRESS="127.0.0.1:1") as commands:
        yield Letters(database_url, commands)


def test_letters_are_listed_by_channel_account_reason_and_time(letters: Letters) -> None:
    old = letters.dead("old", received_at=NOW - timedelta(days=3))
    new = letters.dead("new", "totals_differ", account="EU")
    other = letters.dead("other", channel="mirakl")
    assert letters.listed() == [other, new, old]
    assert letters.listed("--channel", "walmart") == [new, old]
    assert letters.listed("--account", "EU") == [new]
    assert letters.listed("--reason", "totals_differ") == letters.listed("--refusal", "totals_differ") == [new]
    assert letters.listed("--since", f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%S}") == [other, new]
    assert letters.listed("--limit", "1") == [other]
    table = letters.run("list", "--channel", "mirakl")
    assert table.code == 0
    assert "lines[0].qty" in table.out
    assert "'two [/b]'" in table.out


def test_a_letter_is_shown_with_all_that_is_known_of_it(letters: Letters) -> None:
    event_id = letters.dead("d-1", external_id="7")
    shown = letters.json("show", event_id)
    assert shown["payload"] == '{"qty": "two"}'
    assert shown["headers"] == {"x-topic": "orders"}
    assert (shown["delivery_id"], shown["external_id"], shown["status"]) == ("d-1", "7", "dead")
    assert (shown["attempts"], shown["outcome"]) == (0, "refused")
    assert shown["refusals"] == [refusal("wrong_type").model_dump()]
    text = letters.run("show", event_id).out
    for told in ("wrong_type", "lines[0].qty", "'two [/b]'", "ask the channel", '{"qty": "two"}', "x-topic", "refused"):
        assert told in text
    assert letters.run("show", event_id, "--payload").out == '{"qty": "two"}'


def test_a_payload_that_is_no_text_is_shown_in_base64(letters: Letters) -> None:
    event_id = letters.dead("d-1", body=b"\xff\x00")
    assert letters.json("show", event_id)["payload_base64"] == "/wA="
    assert "/wA=" in letters.run("show", event_id).out


def test_a_letter_is_mended_and_put_back_and_what_came_is_kept(letters: Letters, tmp_path: Path) -> None:
    event_id = letters.dead("d-1")
    mended = tmp_path / "mended.json"
    mended.write_bytes(b'{"qty": 2}')
    told = letters.json("edit", event_id, "--file", mended, "--actor", "ann")
    assert told == {"edited": event_id, "actor": "ann"}
    event = letters.event(event_id)
    assert (event.status, event.payload, event.body) == ("received", b'{"qty": 2}', b'{"qty": "two"}')
    shown = letters.json("show", event_id)
    assert (shown["payload"], shown["raw_payload"], shown["edited_by"]) == ('{"qty": 2}', '{"qty": "two"}', "ann")
    assert letters.listed() == []


def test_an_edition_without_actor_file_or_letter_is_refused(letters: Letters, tmp_path: Path) -> None:
    event_id = letters.dead("d-1")
    missing = tmp_path / "missing.json"
    assert letters.run("edit", event_id, "--file", missing).code == 2
    unread = letters.run("edit", event_id, "--file", missing, "--actor", "ann")
    assert (unread.code, unread.out) == (2, "")
    assert "cannot read" in unread.err
    missing.write_bytes(b"{}")
    unknown = letters.run("edit", event_id + 1, "--file", missing, "--actor", "ann")
    assert (unknown.code, unknown.out) == (1, "")
    assert "is no dead letter" in unknown.err
    assert letters.event(event_id).status == "dead"


def test_letters_are_put_back_one_by_one_by_query_or_all(letters: Letters) -> None:
    ids = [letters.dead(f"d-{number}", channel="walmart" if number < 3 else "mirakl") for number in range(6)]
    assert letters.json("replay", ids[0]) == {"replayed": 1}
    assert letters.run("replay", "--channel", "walmart", "--reason", "wrong_type").out.strip() == "2 put back"
    assert letters.json("replay", "--all") == {"replayed": 3}
    assert [letters.event(each).status for each in ids] == ["received"] * 6
    assert letters.json("replay", "--all") == {"replayed": 0}


def test_a_query_puts_back_more_than_one_page_of_the_list(letters: Letters) -> None:
    first = letters.dead("d-0")

    async def many() -> None:
        database = Database(letters.url)
        async with database.session() as session:
            fields = {"channel": "walmart", "account": "US", "source": "poll", "topic": "order", "body": b""}
            new = [NewEvent.model_validate({**fields, "delivery_id": str(number)}) for number in range(300)]
            for event_id in await inbox.keep_many(session, new):
                await inbox.finish(session, event_id, "dead", "refused", [refusal("not_json")])
        await database.aclose()

    run_in_own_loop(many())
    assert letters.json("replay", "--refusal", "not_json") == {"replayed": 300}
    assert letters.listed() == [first]


def test_what_cannot_be_put_back_is_a_failure_and_a_query_that_means_none_is_not(letters: Letters) -> None:
    event_id = letters.dead("d-1")
    assert letters.run("replay", event_id, event_id + 1).code == 1
    assert letters.run("replay", "--channel", "amazon").code == 0
    for arguments in ([], ["1", "--all"], ["1", "--channel", "amazon"]):
        wrong = letters.run("replay", *arguments)
        assert (wrong.code, wrong.out) == (2, "")
        assert "give event numbers" in wrong.err


def test_letters_are_discarded_with_reason_and_actor_and_stay_for_ever(letters: Letters) -> None:
    first, second, third = (letters.dead(f"d-{number}", account=f"A{number}") for number in range(3))
    assert letters.json("discard", first, "--reason", "a test order", "--actor", "ann") == {"discarded": [first]}
    by_query = letters.run("discard", "--account", "A1", "--reason", "closed account", "--actor", "bob")
    assert (by_query.code, by_query.out.strip()) == (0, "1 discarded")
    assert letters.listed() == [third]
    assert letters.listed("--discarded") == [second, first]
    shown = letters.json("show", first)
    assert (shown["status"], shown["outcome"]) == ("discarded", "discarded by ann: a test order")
    assert shown["payload"] == '{"qty": "two"}'
    again = letters.run("discard", first, "--reason", "again", "--actor", "ann")
    assert (again.code, again.out.strip()) == (1, "0 discarded")
    assert letters.run("discard", third, "--actor", "ann").code == 2
    assert letters.run("discard", third, "--reason", "why").code == 2
    assert letters.run("discard", "--reason", "why", "--actor", "ann").code == 2
    assert letters.listed() == [third]


def test_an_event_that_is_not_there_is_told(letters: Letters) -> None:
    for arguments in (["show", "7"], ["show", "7", "--json"], ["show", "7", "--payload"]):
        done = letters.run(*arguments)
        assert (done.code, done.out) == (1, "")
        assert "no event 7" in done.err


def test_each_command_says_what_it_needs(letters: Letters) -> None:
    options = {
        "list": ["--channel", "--account", "--reason", "--since", "--discarded", "--limit", "--json"],
        "show": ["--payload", "--json"],
        "edit": ["--file", "--actor", "--json"],
        "replay": ["--channel", "--account", "--reason", "--since", "--all", "--json"],
        "discard": ["--channel", "--account", "--refusal", "--since", "--all", "--reason", "--actor", "--json"],
    }
    for command, expected in options.items():
        told = letters.run(command, "--help")
        assert told.code == 0
        assert [option for option in expected if option not in told.out] == []
    assert json.dumps(letters.json("list")) == "[]"
