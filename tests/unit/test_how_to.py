"""How-tos: the unit file holds what it promises, and every option they name is one of the command's."""

import re
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


@pytest.mark.parametrize("command", ["live", "record", "compile", "firmware", "evaluate", "bench"])
def test_options_in_the_how_to_exist(command: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(HOW_TO.iterdir())).replace("\\\n", " ")
    used = {name for line in re.findall(rf"har {command} [^\n`]*", text) for name in re.findall(r"--[a-z-]+", line)}
    help_text = subprocess.run(
        [sys.executable, "-m", "edgehar", command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    assert used
    for option in used:
        assert option in help_text, f"har {command} has no {option}"
