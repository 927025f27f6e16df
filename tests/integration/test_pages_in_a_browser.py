"""Every page in a real browser: nothing is wider than a phone, no text leaves its picture, its tile or its card.

Needs Chromium and the package playwright; where one is missing, the checks of `tests/unit/reporting` stand alone.
"""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

TOOL = Path(__file__).parents[2] / "tools" / "render_pages.py"
CHAIN = Path(__file__).parents[2] / "docs" / "images" / "chain.svg"

ESCAPED = """() => {
  const found = [], wide = document.documentElement.clientWidth;
  const scrolls = element => element.closest('.scroll, pre') !== null;
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || element.closest('thead') || element.tagName === 'TITLE') continue;
    if (!scrolls(element) && (box.right > wide + 1 || box.left < -1))
      found.push(['page', element.tagName, element.textContent.slice(0, 60)]);
    const picture = element.closest('svg');
    if (element.tagName === 'text' && picture) {
      const frame = picture.getBoundingClientRect();
      const beside = box.left < frame.left - 1 || box.right > frame.right + 1;
      if (beside || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
        found.push(['picture', element.textContent, box.left - frame.left, box.right - frame.right]);
    }
    const tile = element.closest('.figures > div, table');
    if (tile && !scrolls(tile)) {
      const frame = tile.getBoundingClientRect();
      if (box.right > frame.right + 1) found.push(['tile', element.tagName, element.textContent.slice(0, 60)]);
    }
  }
  if (document.documentElement.scrollWidth > wide) found.push(['scrolls', document.documentElement.scrollWidth, wide]);
  return found;
}"""
"""Every element that is wider than the window, its picture, its tile or its table."""

LEGIBLE = """() => [...document.querySelectorAll('svg text')].filter(text => text.getBoundingClientRect().width)
  .map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
"""The font size of every text in a picture, in pixels of the window."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Load the tool that makes the pages."""
    spec = importlib.util.spec_from_file_location("render_pages", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["render_pages"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a browser that loads nothing from anywhere."""
    with playwright_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=["usual labels", "hostile labels"])
def pages(
    request: pytest.FixtureRequest, tool: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Write every page, once with usual labels and once with those of a hostile bundle."""
    folder = tmp_path_factory.mktemp("pages")
    written = tool.generated_pages(tool.ACTIVITIES if request.param == "usual labels" else tool.HOSTILE)
    for name, content in written.items():
        (folder / f"{name}.html").write_text(content, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in written}


@pytest.mark.parametrize("width", [320, 390, 700, 1280])
def test_nothing_leaves_its_place(browser: Any, pages: dict[str, Path], width: int) -> None:
    for name, path in pages.items():
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(path.as_uri())
        assert page.evaluate(ESCAPED) == [], (name, width)
        assert min(page.evaluate(LEGIBLE)) >= (9.5 if width < 390 else 11), (name, width)
        page.close()


def test_no_page_runs_or_loads_anything(browser: Any, pages: dict[str, Path]) -> None:
    for name, path in pages.items():
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("dialog", lambda dialog, asked=asked: asked.append(f"dialog: {dialog.message}"))
        page.goto(path.as_uri())
        assert asked == [path.as_uri()], name
        assert page.evaluate("document.scripts.length + document.images.length") == 0, name
        page.close()


def test_one_layout_of_every_chart_is_shown(browser: Any, pages: dict[str, Path]) -> None:
    for width, layout in ((390, "at-narrow"), (1280, None)):
        for path in pages.values():
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.goto(path.as_uri())
            shown = page.evaluate(
                "[...document.querySelectorAll('.chart')].map(chart => [...chart.children]"
                ".filter(child => child.getBoundingClientRect().height).map(child => child.className))"
            )
            assert shown
            assert all(len(each) == 1 for each in shown)
            assert layout is None or all(each == [layout] for each in shown)
            page.close()


def test_no_text_leaves_its_card_in_the_picture_of_the_readme(browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.goto(CHAIN.as_uri())
    outside = page.evaluate(
        """() => [...document.querySelectorAll('g[transform] text')].filter(text => {
          const card = text.parentNode.querySelector('.card').getBoundingClientRect();
          const box = text.getBoundingClientRect();
          const beside = box.left < card.left + 8 || box.right > card.right - 8;
          return beside || box.bottom > card.bottom || box.top < card.top;
        }).map(text => text.textContent)"""
    )
    assert outside == []
    page.close()
