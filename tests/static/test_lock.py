"""The lock files: complete, hashed, and silent about where packages come from."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETS = ("base", "local", "dev", "tryton")
# Written in pieces, so that this file passes its own test.
REGISTRY_HOSTS = re.compile(
    "|".join([r"py" + r"pi\.org", r"python" + r"hosted", r"npm" + r"js\.(org|com)", r"deb\." + r"debian"])
)


def lock_of(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.lock").read_text()


def pins_of(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^\s;]+)", lock_of(name), re.MULTILINE))


def wanted_by(name: str) -> set[str]:
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    names = {re.split(r"[\[<>=!~;\s]", line)[0].lower() for line in lines if line and not line.startswith(("#", "-r"))}
    return {re.sub(r"[-_.]+", "-", name) for name in names}


def files_to_commit() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", SETS)
def test_everything_asked_for_is_locked(name: str) -> None:
    assert wanted_by(name) <= pins_of(name).keys()


@pytest.mark.parametrize("name", SETS)
def test_every_locked_package_carries_its_hashes(name: str) -> None:
    for entry in re.split(r"\n(?=[a-z0-9])", lock_of(name).strip()):
        assert re.match(r"^[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_larger_sets_agree_with_the_smaller_ones() -> None:
    assert pins_of("base").items() <= pins_of("local").items()
    assert pins_of("local").items() <= pins_of("dev").items()


@pytest.mark.parametrize("name", SETS)
def test_a_lock_file_names_no_address(name: str) -> None:
    assert not re.search(r"https?://|--index-url|--find-links|file:", lock_of(name))


def test_no_file_of_the_project_names_a_package_registry() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in files_to_commit()
        if REGISTRY_HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert guilty == []


def test_no_lock_format_that_embeds_registry_addresses_is_used() -> None:
    assert not {"uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock"} & {path.name for path in files_to_commit()}
