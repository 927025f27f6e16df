#!/usr/bin/env bash
# Print the first Python on this machine that edgehar supports (3.11 to 3.13).
set -euo pipefail
for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
done
echo "expected Python 3.11, 3.12 or 3.13, found none. Install one and run again." >&2
exit 1
