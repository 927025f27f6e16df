#!/usr/bin/env bash
# Build the documentation site from docs/ into build/site; a warning, such as a link that leads nowhere, is an error.
# Usage: tools/build_site.sh [links]   (links: also ask every foreign address whether it is there; needs a network)
set -euo pipefail
cd "$(dirname "$0")/.."
python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build/site
[ "${1:-}" != links ] || python -m sphinx --fail-on-warning --keep-going --quiet -b linkcheck docs build/links
echo "build/site/index.html"
