"""`tools/release.py`: what a major version needs of the pages about versions is missed where it is not there."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "release.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool as a module; tools are no package."""
    spec = importlib.util.spec_from_file_location("release", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["release"] = module
    spec.loader.exec_module(module)
    return module


def test_the_pages_about_versions_are_written(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tool.promises_are_written() == ""
    assert tool.migration_is_told() == "", "before 1.0 there is nothing to move to"
    monkeypatch.setattr(tool, "__version__", "7.0.0")
    assert tool.migration_is_told() == "migration.md has no section ## To 7.0"


def test_a_draft_is_no_release(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "migration.md"
    monkeypatch.setattr(tool, "MIGRATION", page)
    monkeypatch.setattr(tool, "__version__", "1.0.2")
    page.write_text("# Moving\n\n## To 1.0\nA draft.\n\n## To 0.9\nDone.\n")
    assert "calls ## To 1.0 a draft" in tool.migration_is_told()
    page.write_text("# Moving\n\n## To 1.0\nDone.\n\n## To 0.9\nA draft.\n")
    assert tool.migration_is_told() == ""


def test_a_promise_that_is_gone_is_missed(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "versions.md"
    page.write_text(tool.VERSIONS.read_text(encoding="utf-8").replace("**Deprecation.**", ""), encoding="utf-8")
    monkeypatch.setattr(tool, "VERSIONS", page)
    assert "**Deprecation.**" in tool.promises_are_written()
