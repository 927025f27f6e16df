"""How-tos: the unit file holds what it promises, and every option they name is one of the command's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.firmware_bridge.deployment import FILES

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="the Debian package systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = (FILES / "edgehar-live.service").read_text(encoding="utf-8")
    # The program is not where it will be on a Pi.
    copy = tmp_path / "edgehar-live.service"
    copy.write_text(unit.replace("/opt/edgehar/bin/har", sys.executable), encoding="utf-8")
    done = subprocess.run([str(ANALYZE), "verify", str(copy)], capture_output=True, text=True, check=False)
    assert "edgehar-live" not in done.stderr, done.stderr


def test_the_unit_keeps_what_it_builds_and_gives_up_in_the_end() -> None:
    unit = (FILES / "edgehar-live.service").read_text(encoding="utf-8")
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert settings["CacheDirectory"] == "edgehar"
    assert settings["Environment"] == "XDG_CACHE_HOME=%C/edgehar", "a dynamic user has no home to keep libraries in"
    assert settings["RestartPreventExitStatus"] == "2"
    tries, seconds = int(settings["StartLimitBurst"]), int(settings["StartLimitIntervalSec"])
    # Were there fewer seconds than the tries take, the limit would never be reached.
    assert 0 < tries * int(settings["RestartSec"]) < seconds


@pytest.mark.parametrize(
    "command", ["live", "record", "import", "compile", "firmware", "evaluate", "bench", "phone", "deploy pi"]
)
def test_options_in_the_how_to_exist(command: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(HOW_TO.iterdir())).replace("\\\n", " ")
    used = {name for line in re.findall(rf"har {command} [^\n`]*", text) for name in re.findall(r"--[a-z-]+", line)}
    help_text = subprocess.run(
        [sys.executable, "-m", "edgehar", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    assert used
    for option in used:
        assert option in help_text, f"har {command} has no {option}"
