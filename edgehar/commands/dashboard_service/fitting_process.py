"""Fit a model to a person in a process of its own, and tell how far it is: ``python -m ...fitting_process``.

Arguments: the general bundle, the new bundle's folder, the mounting's rotation as JSON or nothing, captures. Standard
output is one JSON object a line: ``done`` and ``total`` while it works; at the end ``bundle`` with what is gained, or
``problem``.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgehar.models.errors import HarError

_NICER = 10
"""Labels of the live session come first."""


def main(general: Path, out: Path, rotation: str, captures: list[Path]) -> int:
    """Fit, write the new bundle, and return the exit code."""
    from edgehar.commands.recordings_option import read_recordings
    from edgehar.models.bundle import read_bundle
    from edgehar.models.mounting import Mounting
    from edgehar.pipeline.training.personalization.personalizing import personalize

    try:
        with _only_our_lines():
            dataset = read_recordings([str(path) for path in captures])
            rows = tuple(tuple(row) for row in json.loads(rotation)) if rotation else None
            found = personalize(
                read_bundle(general),
                dataset,
                mounting=None if rows is None else Mounting(rows, 1.0),
                progress=lambda done, total: _tell(done=done, total=total),
            )
            found.bundle.save(out, plots={})
    except HarError as error:
        _tell(problem=str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        _tell(problem=f"fitting needs the package {error.name}, it is not installed")
        return 1
    _tell(bundle=str(out), **found.to_json())
    return 0


@contextmanager
def _only_our_lines() -> Iterator[None]:
    """Let what libraries print go to stderr."""
    global _out
    _out, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = _out


_out = sys.stdout


def _tell(**fact: object) -> None:
    """Write one line."""
    _out.write(json.dumps(fact, ensure_ascii=False) + "\n")
    _out.flush()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(_NICER)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], [Path(each) for each in sys.argv[4:]]))
