#!/usr/bin/env bash
# Make the environments in which the conformance tests ask other runtimes: tflite-runtime 2.14 and the oldest onnxruntime
# that installs, which need Python 3.11 and numpy 1, tflite-micro, and the runtimes of Node. Usage: tools/make_runtime_environments.sh   (they go to .venv-runtimes/)
set -euo pipefail
cd "$(dirname "$0")/.."
place=.venv-runtimes

make() {
    local name=$1 python=$2
    shift 2
    if ! command -v "$python" >/dev/null; then
        echo "$name: needs $python, there is none" >&2
        return 1
    fi
    "$python" -m venv "$place/$name"
    "$place/$name/bin/pip" install --quiet --upgrade pip
    "$place/$name/bin/pip" install --quiet "$@"
    echo "$name: $place/$name"
}

make tflite-runtime python3.11 'numpy<2' 'tflite-runtime==2.14.0'
# The engine itself is asked there, not only the runtime; its other dependencies are not needed for that.
"$place/tflite-runtime/bin/pip" install --quiet --no-deps -e .
make tflite-micro "$(tools/find_python.sh)" 'tflite-micro==0.dev20261023182759'
make onnxruntime-oldest python3.11 'numpy<2' 'onnxruntime==1.15.1'
# Their scripts fetch drivers of graphics cards; the processor needs none.
npm install --prefix "$place/node" --silent --no-fund --no-audit --ignore-scripts onnxruntime-node@1.30.0 @litertjs/core@2.5.3
echo "node: $place/node"
