"""Who may import whom, as `pyproject.toml` says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_an_import_goes_to_a_room_further_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    verdict = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert verdict.returncode == 0, verdict.stdout
