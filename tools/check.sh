#!/usr/bin/env bash
# Everything a change must pass: format, lint, types, import rules, tests, documented commands, the distribution, and the
# edge path without TensorFlow. The Python environment with the extra [dev] must be first on the PATH.
# Usage: tools/check.sh [quick]   (quick: format, lint, types, import rules and tests)
# TEST_PROCESSES=2 runs the tests in so many processes.
set -euo pipefail
cd "$(dirname "$0")/.."

# One thread for each of NumPy's products, as in the tests: for matrices this small, a second one waits in a busy loop.
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"

step() { printf '\n=== %s\n' "$*"; }

step "format and lint"
ruff format --check .
ruff check .

step "types and import rules"
python -P tools/check_house.py

step "tests"
# Processes share the tests by whole files, the longest first, browsers all in one of them (tests/conftest.py).
if [ "${TEST_PROCESSES:-1}" -gt 1 ]; then
    python -m pytest -n "$TEST_PROCESSES"
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
