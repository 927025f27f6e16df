#!/usr/bin/env bash
# Prove the edge path in environments of its own: a bare install, and the extras [edge] and [onnx], none with TensorFlow.
# Usage: tools/check_edge_install.sh PYTHON   (a `har` with the training extra must be on the PATH: it makes the bundle)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?name a Python interpreter}
work=$(mktemp -d)
simulator=""
cleanup() {
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

har train --data synthetic --model simple_rnn --epochs 1 --seed 1 --out "$work/bundle" --json >"$work/train.json"

"$python" -m venv "$work/bare"
"$work/bare/bin/pip" wheel --quiet --no-deps -c constraints.txt -w "$work/dist" .
wheel=$(echo "$work"/dist/*.whl)
"$work/bare/bin/pip" install --quiet -c constraints.txt "$wheel"
"$work/bare/bin/har" verify "$work/bundle" --json | tee "$work/bare.json"
"$work/bare/bin/python" tools/expect_json.py "$work/bare.json" ok=true
if "$work/bare/bin/har" train --data synthetic --model lstm --out "$work/none" 2>"$work/refusal"; then
    echo "expected a bare install to refuse training" >&2
    exit 1
fi
grep -q "\[train\]" "$work/refusal"

"$python" -m venv "$work/edge"
"$work/edge/bin/pip" install --quiet -c constraints.txt "$wheel[edge,onnx]"
for package in tensorflow keras scipy pandas matplotlib; do
    if "$work/edge/bin/python" -c "import $package" 2>/dev/null; then
        echo "expected no $package in the edge environment" >&2
        exit 1
    fi
done
"$work/edge/bin/har" verify "$work/bundle" --json >"$work/edge.json"
"$work/edge/bin/python" tools/expect_json.py "$work/edge.json" ok=true
"$work/edge/bin/har" bench "$work/bundle" --windows 20 --json >"$work/bench.json"
"$work/edge/bin/har" simulate --data synthetic --subject 1 --link "$work/sensor" --speed 10 2>"$work/simulate.log" &
simulator=$!
for _ in $(seq 100); do [ -e "$work/sensor" ] && break; sleep 0.1; done
"$work/edge/bin/har" live "$work/bundle" --port "$work/sensor" --unit g --rate 100 --hop 100 --duration 5 \
    --jsonl "$work/live.jsonl"
test -s "$work/live.jsonl"

# Everything a Raspberry Pi needs, for both kinds of it, and hashes that fit; tools/prove_pi.sh installs it in an emulated one.
for processor in aarch64 armv7l; do
    har deploy pi "$work/bundle" --out "$work/$processor" --processor "$processor" --python 3.11 --json >"$work/pi.json"
    (cd "$work/$processor" && sha256sum --check --quiet --strict SHA256SUMS)
    ls "$work/$processor"/wheels/3.11/*"_$processor.whl" "$work/$processor"/wheels/common/edgehar-*.whl >"$work/wheels"
done
echo "the edge path works without TensorFlow"
