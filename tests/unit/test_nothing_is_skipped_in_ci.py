"""A test that would be skipped fails in CI, however it skips; elsewhere it is skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WAYS = {
    "call": "def test_it():\n    pytest.skip('no data set')\n",
    "fixture": "@pytest.fixture\ndef it():\n    pytest.skip('no data set')\n\ndef test_it(it):\n    pass\n",
    "mark": "@pytest.mark.skipif(True, reason='no data set')\ndef test_it():\n    pass\n",
    "module": "pytest.importorskip('no_such_runtime', reason='no data set')\n\ndef test_it():\n    pass\n",
}


def run(folder: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    """Run one test file with our conftest.py."""
    (folder / "test_it.py").write_text(f"import pytest\n\n{source}")
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-rs", "test_it.py"],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_skip_is_a_failure_in_ci_only(way: str, tmp_path: Path) -> None:
    done = run(tmp_path, WAYS[way], "true")
    assert done.returncode != 0, done.stdout
    assert "expected that nothing is missing" in done.stdout
    assert "no data set" in done.stdout
    elsewhere = run(tmp_path, WAYS[way], "")
    assert elsewhere.returncode in (0, 5), elsewhere.stdout
    assert "1 skipped" in elsewhere.stdout


@pytest.mark.parametrize("way", WAYS)
def test_what_is_for_another_machine_is_skipped_everywhere(way: str, tmp_path: Path) -> None:
    source = WAYS[way].replace("no data set", "not for this machine: vectors of another processor")
    done = run(tmp_path, source, "true")
    assert done.returncode in (0, 5), done.stdout
    assert "1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    source = "@pytest.mark.xfail\ndef test_it():\n    assert False\n"
    assert run(tmp_path, source, "true").returncode == 0
