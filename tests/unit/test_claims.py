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


def test_the_number_in_braces_is_meant(tool: ModuleType) -> None:
    row = "| `lstm` | 13,324 | 0.713 ({0.676}–0.749) |"
    claim = tool.Claim(what="x", page="README.md", text=row, command="har", value="a", tolerance=0.01)
    assert (claim.published, claim.number) == (0.676, "0.676")
    assert claim.sentence == "| `lstm` | 13,324 | 0.713 (0.676–0.749) |"
    assert claim.complaint([0.68]) == ""
    assert "0.049 from 0.676" in claim.complaint([0.725])
    share = tool.Claim(what="x", page="README.md", text="{99.8 %}", command="har", value="a")
    assert share.published == pytest.approx(0.998)
    bare = tool.Claim(what="x", page="README.md", text="| {.693} |", command="har", value="a")
    assert bare.published == 0.693


def test_numbers_share_what_stands_beside_them(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "claims.toml").write_text(
        '[[claim]]\npage = "README.md"\ncommand = "har"\ntolerance = 2\nnumbers = [\n'
        '  { what = "a", text = "1", value = "x" },\n  { what = "b", text = "2", value = "y", tolerance = 3 },\n]\n'
    )
    first, second = tool.read_claims(tmp_path / "claims.toml")
    assert (first.what, first.page, first.tolerance, second.value, second.tolerance) == ("a", "README.md", 2, "y", 3)


def test_values_are_found_by_path(tool: ModuleType) -> None:
    document = {"rows": [{"file": "a.b", "n": [{"m": 1}, {"m": 2}]}, {"file": "c", "n": []}], "top": 3}
    assert tool.values_at(document, "top") == [3.0]
    assert tool.values_at(document, "rows[file=a.b].n[m=2].m") == [2.0]
    assert tool.values_at(document, "rows[file=d].n") == []
    assert tool.values_at(document, "rows[0].n[1].m") == [2.0]
    assert tool.values_at({"interval": [0.1, 0.2]}, "interval[1]") == [0.2]
    assert tool.values_at({"interval": [0.1, 0.2]}, "interval[2]") == []
    with pytest.raises(SystemExit):
        tool.values_at(document, "rows..n")
