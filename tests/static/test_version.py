"""The product's version stands in three files, because neither an image nor a clone is an installed package."""

import re
import tomllib
from pathlib import Path

from settings import Settings
from stack.build import DEPLOYMENT, VERSION

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_that_names_the_version_names_the_same() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    assert re.findall(r"image: orderyard:(\S+)", (ROOT / "docker-compose.yml").read_text()) == [VERSION]


def test_a_build_that_is_not_named_is_the_version() -> None:
    assert Settings.model_fields["build_id"].default == VERSION
    assert "." not in DEPLOYMENT
