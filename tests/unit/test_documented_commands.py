"""Command blocks of the documentation: each says what is done with it, and what does not run here is looked at."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "run_documented_commands.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The program that runs the blocks."""
    found = importlib.util.spec_from_file_location("run_documented_commands", TOOL)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def make(tool: ModuleType):
    """``make(kind, commands)``: a block."""
    return lambda kind, commands: tool.Block("page.md", 1, kind, commands)


def test_every_block_is_marked_and_right(tool: ModuleType) -> None:
    blocks = tool.blocks_of(list(tool.PAGES))
    assert {block.kind for block in blocks} == set(tool.KINDS)
    assert [f"{block.place}: {wrong}" for block in blocks if (wrong := tool.complaint(block))] == []


def test_no_page_is_left_out(tool: ModuleType) -> None:
    pages = {str(path.relative_to(tool.REPOSITORY)) for path in tool.REPOSITORY.glob("docs/**/*.md")}
    with_commands = {page for page in pages if "```sh" in (tool.REPOSITORY / page).read_text(encoding="utf-8")}
    assert with_commands <= {block.page for block in tool.blocks_of(list(tool.PAGES))}


@pytest.mark.parametrize(
    ("kind", "commands", "wrong"),
    [
        ("", "har ports\n", "expected one of run, hardware, install, checks after sh, got ''"),
        ("hardware", "har ports\n", "expected the first line to say what it needs"),
        ("hardware", "# needs a sensor\nhar live runs/lstm --prot X\n", "No such option: --prot"),
        ("hardware", "# needs a sensor\nhar live runs/lstm\n", "Missing option '--port'"),
        ("run", "har data fetsh usc-had\n", "there is no command fetsh"),
        ("run", "true && /opt/bin/har nosuch\n", "there is no command nosuch"),
        ("install", "pip install '.[edge,nosuch]'\n", "expected extras that exist, got nosuch"),
    ],
)
def test_what_is_wrong_is_said(tool: ModuleType, make, kind: str, commands: str, wrong: str) -> None:
    assert wrong in (tool.complaint(make(kind, commands)) or "")


def test_what_is_right_passes(tool: ModuleType, make) -> None:
    commands = "# needs a sensor\nhar live runs/lstm --port X --unit g \\\n    --rate 100 | tee labels && har ports\n"
    assert tool.complaint(make("hardware", commands)) is None
    assert [arguments[0] for arguments in tool.har_commands(commands)] == ["live", "ports"]
