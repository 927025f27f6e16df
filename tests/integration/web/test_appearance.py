"""What people see: contrast, names, focus, sizes, and that nothing moves under the finger; in light and dark."""

from typing import Any

import pytest

SIZES = {
    "phone": {"width": 390, "height": 844},
    "small": {"width": 320, "height": 640},
    "desk": {"width": 1280, "height": 900},
}

# The contrast of every text with what is behind it (WCAG 2.2, 1.4.3), as [text, ratio, needed].
CONTRAST = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const box = node.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || node.closest("noscript, script, .hidden, :disabled")) continue;
    const style = getComputedStyle(node);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const [one, other] = [luminance(parse(style.color)), luminance(behind(node))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < needed) weak.push([walker.currentNode.data.trim(), ratio, needed]);
  }
  return weak;
}"""

SHIFTS = """
window.shifted = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => node?.id || node?.className || node?.tagName || node?.nodeName);
    if (!entry.hadRecentInput && entry.value > 0.005) window.shifted.push([entry.value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""

NAMELESS = """() => [...document.querySelectorAll("button, input, a, canvas, progress, output")].filter((node) => {
  const label = node.labels?.[0]?.textContent ?? "";
  return !(label + node.textContent + (node.getAttribute("aria-label") ?? "")).trim();
}).map((node) => node.outerHTML)"""

SMALL = """() => [...document.querySelectorAll("button, a.button, input:not([type=checkbox]), label.option")]
  .map((node) => [node.outerHTML.slice(0, 60), node.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 36 || box.width < 36)).map(([text]) => text)"""


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Light or dark."""
    return request.param


def play(page: Any, *, height: float = 9.8, from_ms: float = 100.0) -> None:
    """Let a phone move for five seconds."""
    samples = [[0.1 * (index % 7), height, 0.1 * (index % 5)] for index in range(300)]
    times = [from_ms + index * 1000 / 60 for index in range(300)]
    page.evaluate("([samples, times]) => replay(samples, times)", [samples, times])
    page.wait_for_timeout(400)


@pytest.mark.parametrize("size", SIZES)
def test_everything_can_be_read_and_reached(open_page, phone_folder, replay_script, scheme: str, size: str) -> None:
    page = open_page(
        phone_folder(),
        script=replay_script + SHIFTS + "hasSensor = true;",
        viewport=SIZES[size],
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    play(page)
    assert page.inner_text("#label") not in ("", "Listening…")
    assert page.evaluate("window.shifted") == []
    # A doubt, so that a sentence that warns is looked at, too.
    play(page, height=1.0, from_ms=9e5)
    page.wait_for_selector("#notices li.warn")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_keyboard_alone_is_enough_and_shows_where_it_is(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, viewport=SIZES["desk"])
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => [document.activeElement.id || document.activeElement.value, "
            "getComputedStyle(document.activeElement).outlineStyle]"
        )
        reached.append(focused[0])
        assert focused[1] != "none" or focused[0] is None, focused
        if focused[0] == "record":
            break
    assert {"stop", "inverted", "Sitting", "another", "seconds", "subject", "record"} <= set(reached)


def test_a_new_label_is_read_out_once(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, viewport=SIZES["phone"])
    assert page.get_attribute("#label", "aria-live") == "polite"
    play(page)
    page.evaluate(
        "() => { window.changes = 0; new MutationObserver((list) => { window.changes += list.length; })"
        ".observe(document.getElementById('label'), { childList: true, characterData: true, subtree: true }); }"
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.changes") == 0, "a label that stays is not written again"


def test_motion_is_reduced_where_it_is_unwanted(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, viewport=SIZES["phone"], reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.bar i')).transitionDuration") == "0s"
