#!/usr/bin/env bash
# Everything a change must pass: format, lint, types, import rules, tests, documented commands, the distribution, and the
# edge path without TensorFlow. The Python environment with the extra [dev] must be first on the PATH.
# Usage: tools/check.sh [quick]   (quick: format, lint, types, import rules and tests)
# TEST_PROCESSES=2 runs the unit and conformance tests in so many processes.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n=== %s\n' "$*"; }

step "format and lint"
ruff format --check .
ruff check .

step "types and import rules"
python -P tools/check_house.py

step "tests"
if [ "${TEST_PROCESSES:-1}" -gt 1 ]; then
    python -m pytest -n "$TEST_PROCESSES" --dist loadfile tests/unit tests/conformance
    # All others start programs, servers and browsers, which use all cores themselves: they run one by one.
    python -m pytest --ignore=tests/unit --ignore=tests/conformance
else
    python -m pytest
fi

[ "${1:-}" != quick ] || exit 0
base=$(tools/find_python.sh)

step "documented commands"
python -P tools/run_documented_commands.py

step "published numbers"
python -P tools/reproduce.py --quick

step "the documentation site"
tools/build_site.sh

step "the distribution"
tools/check_distribution.sh "$base" demo

step "the edge path without TensorFlow"
tools/check_edge_install.sh "$base"
