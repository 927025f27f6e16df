"""Write tests/golden/text-lines.json: what is understood of every format that sketches print, to hold the page to it.

    python tools/make_golden_text_lines.py          write it
    python tools/make_golden_text_lines.py --check  fail if the file would change

The lines are written by ``sketches.py`` and ``other_streams.py`` of tests/unit/firmware_bridge/text; ``input`` is the
beginning of their SHA-256. An entry ``asks`` for columns or a unit, or tells the layout, the unit, how many samples
there were and were lost, their sums and the last one in g, and whether gravity contradicts the unit.
"""

import argparse
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
PATH = TESTS / "golden" / "text-lines.json"
_ROOM = TESTS / "unit" / "firmware_bridge" / "text"


def formats() -> dict[str, Any]:
    """Return the outcome of every format, by name."""
    spec = importlib.util.spec_from_file_location(
        "formats", _ROOM / "__init__.py", submodule_search_locations=[str(_ROOM)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{_ROOM} is no package")
    sys.modules["formats"] = importlib.util.module_from_spec(spec)
    sketches, others, playing = (
        importlib.import_module(f"formats.{name}") for name in ("sketches", "other_streams", "playing")
    )
    streams = {sketch.name: sketch.lines() for sketch in sketches.SKETCHES}
    streams |= {**others.damaged(), **others.two_sensors()}
    return {name: playing.outcome(lines, *playing.play(lines)) for name, lines in streams.items()}


def main() -> int:
    """Write the file, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if the file would change")
    chosen = parser.parse_args()
    entries = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in formats().items()]
    text = "{\n" + ",\n".join(entries) + "\n}\n"
    if chosen.check:
        return int(PATH.read_text(encoding="utf-8") != text)
    PATH.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
