"""What a connection may say is in the operators' table, for each channel."""

import re
from pathlib import Path

import pytest

from connectors.providers import CHANNELS

ROOT = Path(__file__).parents[2]
OPTION = re.compile(r"options(?:\.get\(|\[)\"(\w+)\"")
REASONS = re.compile(r"\.reason\(.*\"(\w+)\"\)")
"""Amazon's words for reasons are options too."""
CREDENTIAL = re.compile(r"secret\(\"(\w+)\"\)")


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_option_and_credential_of_a_channel_is_in_the_table_of_connections(channel: str) -> None:
    sources = [path.read_text() for path in (ROOT / "connectors" / channel).glob("*.py")]
    named = {name for source in sources for kind in (OPTION, REASONS, CREDENTIAL) for name in kind.findall(source)}
    assert named
    (row,) = re.findall(rf"^\| `{channel}` \| .*$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    told = set(re.findall(r"`(\w+)", row))
    assert not named - told, "not in docs/operations.md"
