"""Every lesson of the course runs from its first cell to its last; its own assertions hold what it promises."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "docs" / "course"
LESSONS = sorted(COURSE.glob("*.ipynb"))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.mark.filterwarnings("ignore")
def test_the_lesson_runs(lesson: Path, run_notebook: Callable) -> None:
    shown, _ = run_notebook(lesson)
    assert shown


def test_the_lesson_keeps_no_outputs_and_says_what_to_try(lesson: Path) -> None:
    notebook = json.loads(lesson.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook["cells"])
    assert not any(cell["metadata"] for cell in notebook["cells"])
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    assert "## What to try next" in text
    # A lesson that asserts nothing could show anything.
    assert re.search(r"^ *assert ", text, flags=re.MULTILINE)


def test_links_of_lessons_lead_somewhere(lesson: Path) -> None:
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)#:]+)", text):
        assert (COURSE / target).exists(), target


def test_the_page_lists_every_lesson() -> None:
    page = (COURSE / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(([\w-]+\.ipynb)\)", page) == [path.name for path in LESSONS]
