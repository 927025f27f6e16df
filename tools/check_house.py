"""Check types (mypy) and import rules (import-linter) over the tree that an installation has.

Neither tool follows the mapping of folders to ``edgehar.*`` by itself. This lays the folders out as they are
installed, as links in a temporary folder, and runs both there.

Usage: tools/check_house.py [mypy | lint-imports]
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FACE = "edgehar"
ROOMS = ("firmware_bridge", "models", "pipeline", "reporting")
CONFIGURATION = REPOSITORY / "pyproject.toml"
CHECKS = {
    "mypy": ["mypy", "-p", FACE, "--config-file", CONFIGURATION, "--cache-dir", REPOSITORY / ".mypy_cache"],
    "lint-imports": ["lint-imports", "--config", CONFIGURATION, "--cache-dir", REPOSITORY / ".import_linter_cache"],
}


def lay_out(folder: Path) -> None:
    """Link the repository's folders into ``folder`` as an installation has them."""
    package = folder / FACE
    package.mkdir()
    for path in (REPOSITORY / FACE).iterdir():
        if path.name != "__pycache__":
            (package / path.name).symlink_to(path)
    for room in ROOMS:
        (package / room).symlink_to(REPOSITORY / room)


def main(wanted: list[str]) -> int:
    """Run the named checks, by default both; return 1 if one finds something."""
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        for name in wanted or CHECKS:
            program = Path(sys.executable).with_name(name)
            command = [program, *CHECKS[name][1:]]
            environment = {**os.environ, "PYTHONPATH": folder}
            done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
            # A reader wants to open the file where it lies in the repository.
            sys.stdout.write(re.sub(rf"^{FACE}/({'|'.join(ROOMS)})/", r"\1/", done.stdout, flags=re.MULTILINE))
            failed = failed or done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
