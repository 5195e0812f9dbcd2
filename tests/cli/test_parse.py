"""`parse`: payloads to canonical orders or named refusals, on a machine that runs nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli.parsing import parse_folder
from tests.cli.command import Ended, run
from tests.shopify import shop


def write(directory: Path, name: str, content: Any) -> Path:
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def parse(*arguments: str | Path, nowhere: Path) -> Ended:
    return run("parse", *arguments, settings={"ORDERYARD_DATA_DIR": str(nowhere / "nothing-runs-here")})


def test_a_good_order_is_printed_whole_with_its_sums(tmp_path: Path) -> None:
    path = write(tmp_path, "order.json", shop.order(id=123))
    done = parse("shopify", path, nowhere=tmp_path)
    assert (done.code, done.err) == (0, "")
    order = done.json()
    assert order["order_key"] == "shopify/file/123"
    assert order["totals"] == {
        "goods": "20.00",
        "discounts": "0.00",
        "shipping": "0.00",
        "other": "0.00",
        "seller_tax": "0.00",
        "channel_tax": "0.00",
        "total": "20.00",
        "computed": "20.00",
        "difference": "0.00",
    }


def test_several_files_are_one_json_list_in_their_order(tmp_path: Path) -> None:
    good = write(tmp_path, "good.json", {"orders": [shop.order(id=1), shop.order(id=2)]})
    bad = write(tmp_path, "bad.json", shop.order(id=3, total_price="19.99"))
    garbage = write(tmp_path, "garbage.json", b"\xff\xfe\x00")
    missing = tmp_path / "missing.json"
    done = parse("shopify", good, bad, garbage, missing, tmp_path, "--account", "EU", "--json", nowhere=tmp_path)
    assert done.code == 1
    reports = done.json()
    assert [each["file"] for each in reports] == [str(p) for p in (good, bad, garbage, missing, tmp_path)]
    assert [order["order_key"] for order in reports[0]["orders"]] == ["shopify/EU/1", "shopify/EU/2"]
    assert reports[0]["refusals"] == []
    (wrong_sum,) = reports[1]["refusals"]
    assert (wrong_sum["reason"], wrong_sum["path"], wrong_sum["external_id"]) == ("totals_differ", "total_price", "3")
    assert "19.99" in wrong_sum["value"]
    assert [each["refusals"][0]["reason"] for each in reports[2:]] == ["not_json", "unreadable", "unreadable"]
    assert all(refusal["remedy"] for each in reports[1:] for refusal in each["refusals"])


def test_a_refusal_is_told_in_one_line_with_path_value_and_remedy(tmp_path: Path) -> None:
    lines = [shop.line(), shop.line(id=902, quantity="several")]
    path = write(tmp_path, "bad.json", {"orders": [shop.order(line_items=lines)]})
    done = parse("shopify", path, nowhere=tmp_path)
    assert done.code == 1
    (line,) = done.out.splitlines()
    assert line.startswith(f"refused {path}: wrong_type at orders[0].line_items[1].quantity: 'several'. ")


def test_the_good_orders_of_a_file_are_printed_beside_the_refusal_of_the_bad_one(tmp_path: Path) -> None:
    page = {"orders": [shop.order(id=1), shop.order(id=2, currency="XXY"), shop.order(id=3)]}
    done = parse("shopify", write(tmp_path, "page.json", page), "--json", nowhere=tmp_path)
    (report,) = done.json()
    assert done.code == 1
    assert [order["key"]["external_id"] for order in report["orders"]] == ["1", "3"]
    assert report["refusals"][0]["path"].startswith("orders[1].")


def test_text_that_no_terminal_can_show_does_not_end_the_command(tmp_path: Path) -> None:
    """Half of a surrogate pair, markup, control characters: in a title, and in the name of the file."""
    line = shop.line(title="half \ud83d [/b] \x1b[31m", sku="MUG")
    path = write(tmp_path, "odd \udcff.json", shop.order(line_items=[line]))
    for more in ([], ["--json"]):
        done = parse("shopify", path, tmp_path / "missing \udcff", *more, nowhere=tmp_path)
        assert done.code == 1
        assert "Traceback" not in done.err
        assert "[/b]" in done.out


def test_an_empty_page_of_orders_is_a_refusal_and_not_silence(tmp_path: Path) -> None:
    done = parse("amazon", write(tmp_path, "page.json", {"orders": []}), "--json", nowhere=tmp_path)
    assert done.code == 1
    assert done.json()[0]["refusals"]


def test_a_folder_is_parsed_by_the_channels_that_its_folders_name(tmp_path: Path) -> None:
    (tmp_path / "shopify" / "deep").mkdir(parents=True)
    (tmp_path / "shopify" / "deep" / "one.json").write_text("{}")
    (tmp_path / "amazon").mkdir()
    (tmp_path / "amazon" / "two.txt").write_text("no json")
    (tmp_path / "readme.md").write_text("of no channel")
    found = {str(path): (channel, parsed.refusals[0].reason) for path, channel, parsed in parse_folder(tmp_path)}
    assert found == {"amazon/two.txt": ("amazon", "not_json"), "shopify/deep/one.json": ("shopify", "not_an_order")}
