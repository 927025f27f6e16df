#!/bin/sh
# Fuzz the C engine and the firmware's protocol, guided by coverage, under the address and undefined behaviour sanitizers.
#
#   tools/fuzz_c_engine.sh [SECONDS] [TARGET...]
#
# Targets: engine-int8 engine-float32 native-int8 native-float32 device; all of them, 60 seconds each, by default. Needs
# clang with libFuzzer (Debian: clang-14 libclang-rt-14-dev; name another one in CLANG) and the installed project.
# Seeds are in tests/golden/fuzz; an input that fails is left in build/fuzz/TARGET and the script ends with 1.
set -eu

cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=${*:-engine-int8 engine-float32 native-int8 native-float32 device}
python=${PYTHON:-.venv/bin/python}
clang=${CLANG:-$(command -v clang || command -v clang-14 || true)}
if [ -z "$clang" ]; then
    echo "expected clang with libFuzzer, found none: apt install clang-14 libclang-rt-14-dev" >&2
    exit 2
fi
flags="-std=c11 -g -O1 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
engine=models/portable/engine
host=models/portable/host
failed=0

for target in $targets; do
    folder=build/fuzz/$target
    rm -rf "$folder/project"
    mkdir -p "$folder/corpus"
    numbers=
    case $target in
    *-float32) numbers=-DHAR_FLOAT ;;
    esac
    case $target in
    engine-*)
        seeds=tests/golden/fuzz/blob
        sources="tests/fuzz/fuzz_engine.c $engine/har_engine.c $engine/har_blob.c"
        includes="-I$engine"
        ;;
    native-float32)
        seeds=tests/golden/fuzz/blob
        sources="tests/fuzz/fuzz_engine.c $engine/har_blob.c $host/har_native_float.c $host/har_units.c $host/har_windows.c"
        includes="-I$engine -I$host -DFUZZ_NATIVE"
        ;;
    native-int8)
        seeds=tests/golden/fuzz/blob
        sources="tests/fuzz/fuzz_engine.c $engine/har_engine.c $engine/har_blob.c $host/har_native_integer.c"
        includes="-I$engine -I$host -DFUZZ_NATIVE"
        ;;
    device)
        seeds=tests/golden/fuzz/device
        "$python" tests/fuzz/prepare.py project "$folder/project"
        own=$folder/project/src
        sources="tests/fuzz/fuzz_device.c $own/har_device.c $own/har_frame.c $own/har_engine.c $own/har_model.c
                 $own/har_identity.c"
        includes="-I$own"
        ;;
    *)
        echo "expected a target, got $target" >&2
        exit 2
        ;;
    esac
    # shellcheck disable=SC2086  # lists of words
    "$clang" $flags $numbers $includes $sources -lm -o "$folder/fuzz"
    echo "== $target, $seconds s"
    if ! "$folder/fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/" "$folder/corpus" "$seeds" >"$folder/log" 2>&1; then
        failed=1
        echo "$target failed:" >&2
        tail -n 40 "$folder/log" >&2
    fi
    grep -E "cov: .* ft: " "$folder/log" | tail -n 1
    grep -E "number_of_executed_units|new_units_added|peak_rss" "$folder/log" || true
done
exit $failed
