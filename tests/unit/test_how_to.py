"""How-tos: systemd accepts the unit file. Their commands are looked at in test_documented_commands.py."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="the Debian package systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = (HOW_TO / "edgehar-live.service").read_text(encoding="utf-8")
    # The program is not where it will be on a Pi.
    copy = tmp_path / "edgehar-live.service"
    copy.write_text(unit.replace("/opt/edgehar/bin/har", sys.executable), encoding="utf-8")
    done = subprocess.run([str(ANALYZE), "verify", str(copy)], capture_output=True, text=True, check=False)
    assert "edgehar-live" not in done.stderr, done.stderr
