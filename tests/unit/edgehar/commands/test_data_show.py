"""`har data show`: writes a page, and replaces nothing else."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgehar.commands.data import app
from edgehar.models.errors import UsageError
from edgehar.reporting.page import is_page


def test_a_page_is_written_and_may_be_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for _ in range(2):
        assert CliRunner().invoke(app, ["show", "synthetic", "--out", str(page)]).exit_code == 0
        assert is_page(page.read_bytes())


def test_another_file_is_not_replaced(tmp_path: Path) -> None:
    page = tmp_path / "thesis.html"
    page.write_text("<html>mine</html>")
    result = CliRunner().invoke(app, ["show", "synthetic", "--out", str(page)])
    assert isinstance(result.exception, UsageError)
    assert page.read_text() == "<html>mine</html>"


@pytest.mark.parametrize("place", [".", "missing/../."])
def test_a_folder_is_no_page(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(CliRunner().invoke(app, ["show", "synthetic", "--out", place]).exception, (UsageError, OSError))
