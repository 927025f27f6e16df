#!/usr/bin/env bash
# Prove the distribution: sdist, the wheel made from it, what the wheel holds, and `har` from that wheel alone, in an empty
# environment and in a folder full of files that have our names.
# Usage: tools/check_distribution.sh PYTHON [demo]   (with `demo`, also run the whole chain, which needs the extra [train])
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?name a Python interpreter}
repository=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "build: sdist, and the wheel from it"
"$python" -m venv "$work/build"
"$work/build/bin/pip" install --quiet -c constraints.txt build twine
"$work/build/bin/python" -m build --outdir "$work/dist" . >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
# build/ and *.egg-info are what setuptools leaves behind; both are ignored by git.
"$work/build/bin/python" -m twine check --strict "$work"/dist/*
"$python" -P tools/distribution_contents.py "$work"/dist/*.whl "$work"/dist/*.tar.gz

echo "install the wheel in an empty environment"
"$python" -m venv "$work/empty"
extras=""
[ "${2:-}" = demo ] && extras="[edge,onnx,train,wasm]"
"$work/empty/bin/pip" install --quiet -c constraints.txt "$(echo "$work"/dist/*.whl)$extras"

echo "a folder that holds files of our names, each of which ends the process that imports it"
mkdir -p "$work/traps/models"
for name in models/__init__ pipeline reporting firmware_bridge edgehar numpy random queue; do
    printf 'raise SystemExit("imported %s from the current folder")\n' "$name" >"$work/traps/$name.py"
done
cd "$work/traps"
"$work/empty/bin/har" --version
"$work/empty/bin/har" data --help >/dev/null
"$work/empty/bin/python" -P -c 'import edgehar; edgehar.open_bundle'
if [ "${2:-}" = demo ]; then
    "$work/empty/bin/har" demo --epochs 1 --json >"$work/demo.json" 2>"$work/demo.log" || { tail -50 "$work/demo.log" >&2; exit 1; }
    "$work/empty/bin/har" verify har-demo/lstm --json >"$work/verify.json"
    "$python" -P "$repository/tools/expect_json.py" "$work/verify.json" ok=true
fi

echo "the tests of the source distribution, against the wheel"
mkdir "$work/source"
tar -xzf "$work"/dist/*.tar.gz -C "$work/source" --strip-components 1
if [ "${2:-}" = demo ]; then
    "$work/empty/bin/pip" install --quiet -c "$repository/constraints.txt" pytest pytest-timeout hypothesis
    cd "$work/source"
    # The packages beside the tests must not be what is tested.
    rm -r edgehar models pipeline firmware_bridge reporting
    "$work/empty/bin/python" -P -m pytest -q tests/unit/models tests/unit/edgehar/test_public_names.py
fi
echo "the distribution is whole"
