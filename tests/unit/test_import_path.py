"""No process is started with the current folder on its import path, where a user may keep a pipeline.py."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
COMMANDS = [
    (path, found.group())
    for folder in ("edgehar", "models", "pipeline", "firmware_bridge", "reporting", "tools")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
    for found in re.finditer(r"\[[^\[\]]*sys\.executable[^\[\]]*\]", path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path.name for path, _ in COMMANDS])
def test_python_is_started_with_a_safe_path(path: Path, command: str) -> None:
    assert '"-P"' in command, f"{path.relative_to(REPOSITORY)}: {command}"


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) >= 3
