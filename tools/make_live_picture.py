"""Draw a live session as an animated picture, from what really went through a serial line: docs/images/live.svg.

A held-out person is sent line by line through a virtual port at the speed they were recorded; `edgehar.live`
classifies them. The picture moves as the session did: the trace as it was sent, the label at the time it was given,
what was done below it. It keeps still for readers who asked for less motion.

Usage: tools/make_live_picture.py BUNDLE --data usc-had --subject 8 [--out docs/images/live.svg]
"""

import argparse
import html
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import edgehar
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort

ACTIVITIES: Final = ("Standing", "Walking Forward", "Running Forward", "Sitting", "Walking Downstairs")
"""Done one after the other; a data set without one of them does without it."""
_EACH_S: Final = 7.0
_SCREEN_S: Final = 6.0
_DRAWN_HZ: Final = 25
_WIDTH, _HEIGHT = 860, 300
_TRACE: Final = (24, 84, 530, 190)
"""Left, top, width and height of the trace."""
_G_SHOWN: Final = 2.2
_COLOURS: Final = ("#2a78d6", "#1f9d6b", "#d9822b")


@dataclass(frozen=True, slots=True)
class Session:
    """What was sent, what was done, and what was said of it.

    Parameters
    ----------
    samples : ndarray of shape (n, 3), float32, in g
    done
        Beginnings in seconds, and activities.
    said
        Times at which a label began to be shown, labels, probabilities.
    lost
        Samples that were lost on the way.
    """

    samples: NDArray[np.float32]
    rate_hz: float
    done: tuple[tuple[float, str], ...]
    said: tuple[tuple[float, str, float], ...]
    lost: int


def strung(data: str, subject: str) -> tuple[NDArray[np.float32], float, tuple[tuple[float, str], ...]]:
    """Return the middle of a person's recordings of some activities, one after the other."""
    recordings = [each for each in edgehar.load_recordings(data, progress=False).recordings if each.subject == subject]
    pieces, done, at_s = [], [], 0.0
    for activity in ACTIVITIES:
        found = next((each for each in recordings if each.labels[0].activity == activity), None)
        if found is None:
            continue
        length = int(_EACH_S * found.rate_hz)
        begin = max(0, (len(found.samples) - length) // 2)
        pieces.append(np.asarray(found.samples[begin : begin + length]))
        done.append((at_s, activity))
        at_s += len(pieces[-1]) / found.rate_hz
    if not pieces:
        raise SystemExit(f"{data}: expected recordings of person {subject}, there are none")
    return np.concatenate(pieces), found.rate_hz if found else 100.0, tuple(done)


def run(bundle: str, data: str, subject: str) -> Session:
    """Send a person through a port, and keep what is said."""
    samples, rate_hz, done = strung(data, subject)
    port = VirtualPort()
    stop = threading.Event()

    def send() -> None:
        began_s = time.monotonic()
        for index, (x, y, z) in enumerate(samples):
            if stop.wait(max(0.0, began_s + index / rate_hz - time.monotonic())):
                return
            port.send(b"%.4f,%.4f,%.4f\n" % (x, y, z), timeout_s=1.0)

    sender = threading.Thread(target=send, daemon=True)
    said: list[tuple[float, str, float]] = []
    lost = 0
    with edgehar.live(port.device, bundle, unit="g", rate_hz=rate_hz, hop=20) as stream:
        sender.start()
        end_s = len(samples) / rate_hz
        for label in stream:
            if not said or said[-1][1] != label.label:
                said.append((label.t_s, label.label, label.probability))
            lost = label.lost_samples
            if label.t_s > end_s - 0.25:
                break
    stop.set()
    sender.join()
    port.close()
    return Session(samples, rate_hz, done, tuple(said), lost)


def draw(session: Session, model: str) -> str:
    """Return the picture."""
    total_s = len(session.samples) / session.rate_hz
    left, top, width, height = _TRACE
    second = width / _SCREEN_S
    styles = [
        ".card{fill:#fff}.ink{fill:#1b2733}.soft{fill:#5b6875}.frame{fill:none;stroke:#d5dbe1}",
        "text{font-family:ui-sans-serif,system-ui,sans-serif;font-size:14px}.big{font-size:27px;font-weight:650}",
        ".mono{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px}",
        "@media(prefers-color-scheme:dark){.card{fill:#10161c}.ink{fill:#eef3f7}.soft{fill:#9fb0bf}"
        ".frame{stroke:#2c3945}}",
        f"@keyframes run{{from{{transform:translateX(0)}}to{{transform:translateX({-total_s * second:.1f}px)}}}}",
        f".run{{animation:run {total_s:.2f}s linear infinite}}.on{{opacity:0}}",
    ]
    texts: list[str] = []
    for kind, y, style, spans in (
        ("said", 150, "big ink", _spans([(t, name) for t, name, _ in session.said], total_s)),
        ("done", 232, "ink", _spans(session.done, total_s)),
    ):
        for index, (begin, end, name) in enumerate(spans):
            styles.append(_shown(f"{kind}{index}", begin / total_s, end / total_s, total_s))
            texts.append(f'<text class="on {kind}{index} {style}" x="586" y="{y}">{html.escape(name)}</text>')
    styles.append("@media(prefers-reduced-motion:reduce){.run,.on{animation:none}.said0,.done0{opacity:1}}")
    lines = "".join(_line(session, axis, total_s) for axis in range(3))
    account = f"{session.lost} of {len(session.samples):,} samples lost"
    command = f"har live {model} --port /dev/ttyUSB0"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Acceleration of a person and the label that har live gives it, as they happened">'
        f"<style>{''.join(styles)}</style>"
        f'<rect class="card" width="{_WIDTH}" height="{_HEIGHT}" rx="12"/>'
        f'<rect class="frame" x=".5" y=".5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="12"/>'
        f'<text class="soft mono" x="24" y="36">$ <tspan class="ink">{html.escape(command)}</tspan></text>'
        f'<clipPath id="c"><rect x="{left}" y="{top}" width="{width}" height="{height}"/></clipPath>'
        f'<text class="soft" x="{left}" y="{top - 14}">acceleration in g, the last {_SCREEN_S:g} seconds</text>'
        f'<g clip-path="url(#c)"><g class="run">{lines}</g></g>'
        f'<text class="soft" x="586" y="112">label</text><text class="soft" x="586" y="206">what was done</text>'
        f'{"".join(texts)}<text class="soft" x="586" y="274">{account}</text>'
        "</svg>\n"
    )


def _spans(begins: Sequence[tuple[float, str]], total_s: float) -> list[tuple[float, float, str]]:
    """Return begin, end and text of everything that is shown one after the other."""
    ends = [*(begin for begin, _ in begins[1:]), total_s]
    return [(begin, end, text) for (begin, text), end in zip(begins, ends, strict=True)]


def _shown(name: str, begin: float, end: float, total_s: float) -> str:
    """Return the style of a text that is seen for a part of the time."""
    a, b = 100 * begin, 100 * end
    before = f"0%,{a - 0.01:.2f}%{{opacity:0}}{a:.2f}%" if begin > 0 else "0%"
    frames = f"{before},{b - 0.02:.2f}%{{opacity:1}}{min(b, 100):.2f}%,100%{{opacity:0}}"
    return f"@keyframes {name}{{{frames}}}.{name}{{animation:{name} {total_s:.2f}s step-end infinite}}"


def _line(session: Session, axis: int, total_s: float) -> str:
    """Return one axis as a line: now is at the right edge, and the end joins the beginning."""
    left, top, width, height = _TRACE
    step = max(1, round(session.rate_hz / _DRAWN_HZ))
    values = session.samples[: len(session.samples) // step * step, axis].reshape(-1, step).mean(axis=1)
    before = values[-int(_SCREEN_S * session.rate_hz / step) :]
    shown = np.concatenate([before, values])
    time_s = (np.arange(len(shown)) - len(before)) * step / session.rate_hz
    x = left + width + time_s * width / _SCREEN_S
    y = top + height / 2 - np.clip(shown, -_G_SHOWN, _G_SHOWN) * height / (2 * _G_SHOWN)
    points = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(x, y, strict=True))
    return f'<polyline fill="none" stroke="{_COLOURS[axis]}" stroke-width="1.6" points="{points}"/>'


def main() -> None:
    """Run a session and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--data", required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images/live.svg"))
    arguments = parser.parse_args()
    session = run(arguments.bundle, arguments.data, arguments.subject)
    for begin_s, name in session.done:
        said = [label for t_s, label, _ in session.said if begin_s <= t_s < begin_s + _EACH_S]
        print(f"{begin_s:5.1f} s {name}: {', '.join(said) or 'the same'}")
    arguments.out.write_text(draw(session, "runs/lstm"), encoding="utf-8")
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
