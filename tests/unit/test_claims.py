"""Published numbers: every claim stands on its page, and the tool that prints them again notices what does not hold."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "reproduce.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool as a module; tools are no package."""
    spec = importlib.util.spec_from_file_location("reproduce", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reproduce"] = module
    spec.loader.exec_module(module)
    return module


def test_every_claim_stands_on_its_page_with_a_number(tool: ModuleType) -> None:
    claims = tool.read_claims()
    assert any(claim.quick for claim in claims)
    for claim in claims:
        assert claim.complaint([claim.published]) == "", claim.what


def test_what_does_not_hold_is_said(tool: ModuleType) -> None:
    claim = tool.Claim(what="x", page="README.md", text="13,324", command="har", value="a.b", tolerance=1.0)
    assert claim.published == 13324
    assert claim.complaint([13325.0]) == ""
    assert "2 from 13,324" in claim.complaint([13326.0])
    assert "no such value" in claim.complaint([])
    gone = tool.Claim(what="x", page="README.md", text="0.123456", command="har", value="a")
    assert "any more" in gone.complaint([0.123456])


def test_a_bound_is_held_by_the_largest_value(tool: ModuleType) -> None:
    claim = tool.Claim(what="x", page="docs/how-to/phone.md", text="200 KB", command="har", value="a", at_most=True)
    assert claim.complaint([1.0, 200_000.0]) == ""
    assert "more than 200 KB" in claim.complaint([1.0, 200_001.0])


def test_values_are_found_by_path(tool: ModuleType) -> None:
    document = {"rows": [{"file": "a.b", "n": [{"m": 1}, {"m": 2}]}, {"file": "c", "n": []}], "top": 3}
    assert tool.values_at(document, "top") == [3.0]
    assert tool.values_at(document, "rows[file=a.b].n[m=2].m") == [2.0]
    assert tool.values_at(document, "rows[file=d].n") == []
    with pytest.raises(SystemExit):
        tool.values_at(document, "rows..n")
