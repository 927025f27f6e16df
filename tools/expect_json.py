"""Check `key=value` pairs against a JSON object on disk; end with 1 and a sentence at the first that differs."""

import json
import sys
from pathlib import Path


def main() -> int:
    """Compare and report."""
    path, *expectations = sys.argv[1:]
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    for expectation in expectations:
        key, _, value = expectation.partition("=")
        if found.get(key) != json.loads(value):
            print(f"{path}: expected {key} = {value}, got {found.get(key)!r}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
