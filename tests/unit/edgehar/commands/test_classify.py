"""`har classify` and the pages about what it wrote."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgehar import cli
from edgehar.api.compilation import compile as compile_bundle
from edgehar.api.inference import classify
from edgehar.models.bundle import Bundle
from edgehar.pipeline.bulk.synthetic_weeks import write_week


@pytest.fixture
def model(tmp_path: Path, random_bundle: Callable[..., Bundle], need_engine: Callable[[str], None]) -> Path:
    """A bundle on the disk."""
    need_engine("native")
    bundle = compile_bundle(random_bundle("simple_rnn", 3), formats=["c"], quantizations=["float32"])
    bundle.save(tmp_path / "model", plots={})
    return tmp_path / "model"


def test_labels_pages_and_exit_codes(model: Path, tmp_path: Path) -> None:
    write_week(tmp_path / "data" / "a.parquet", days=0.05, seed=1, subject="<script>x")
    write_week(tmp_path / "data" / "b.parquet", days=0.05, seed=2, subject="ada")
    (tmp_path / "data" / "broken.parquet").write_bytes(b"PAR1")
    arguments = ["classify", str(model), str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--workers", "1"]
    result = CliRunner().invoke(cli.app, [*arguments, "--report", "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["done"], found["people"], len(found["put_aside"])) == (2, 2, 1)
    index = Path(found["report"])
    people = sorted(index.parent.glob("person-*.html"))
    assert [page.name for page in people] == ["person-1-script-x.html", "person-2-ada.html"]
    text = index.read_text()
    assert all(f'href="{page.name}"' in text for page in people)
    assert "<script>" not in text + people[0].read_text()
    assert "broken.parquet" in text
    (tmp_path / "data" / "broken.parquet").unlink()
    again = CliRunner().invoke(cli.app, arguments)
    assert again.exit_code == 0
    assert "2 were done before" in again.stdout
    report = CliRunner().invoke(cli.app, ["report", str(tmp_path / "out")])
    assert (report.exit_code, report.stdout.strip()) == (0, f"Written to {index}")


def test_pages_about_recordings_without_a_time_of_day(model: Path, tmp_path: Path) -> None:
    rows = "".join(f"{index / 100:.2f},0.0,0.1,1.0\n" for index in range(2_000))
    (tmp_path / "a.csv").write_text("time_s,x,y,z\n" + rows)
    arguments = ["classify", str(model), str(tmp_path / "a.csv"), "--out", str(tmp_path / "out"), "--workers", "1"]
    result = CliRunner().invoke(cli.app, [*arguments, "--unit", "g", "--report"])
    assert result.exit_code == 0, result.output
    assert "1 recordings say no time of day" in result.stdout
    (page,) = (tmp_path / "out" / "report").glob("person-*.html")
    assert "undated" in page.read_text()
    assert "days that no recording names" in page.read_text()


def test_a_program_labels_an_archive(model: Path, tmp_path: Path) -> None:
    path = write_week(tmp_path / "a.parquet", days=0.01)
    found = classify(model, path, out=tmp_path / "out", workers=1, progress=False)
    assert (found.done, found.facts["windows"]) == (("a.parquet",), 863)
