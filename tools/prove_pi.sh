#!/usr/bin/env bash
# Prove `har deploy pi` without a Raspberry Pi: install its folder in an emulated Debian that has no network, replay the
# golden windows on every engine there, and label a sensor on a serial line. Prints a dated table in Markdown.
#
# Usage: tools/prove_pi.sh BUNDLE [arm64|armhf ...]     (a `har` with the training extra must be on the PATH)
# Needs root or user namespaces (Linux 6.7 or later), mmdebstrap, and qemu-user 10 or later: Debian 12's own 7.2 crashes
# LiteRT and ONNX Runtime. QEMU_FOLDER names the folder of qemu-aarch64 and qemu-arm (/usr/bin unless it is given),
# DEBIAN_MIRROR where Debian is fetched from (this machine's own unless it is given).
set -euo pipefail
cd "$(dirname "$0")/.."
bundle=${1:?name a bundle}
shift
[ $# -gt 0 ] || set -- arm64 armhf
qemu=${QEMU_FOLDER:-/usr/bin}
work=$(mktemp -d)
simulator=""
cleanup() {
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

python=$(command -v python)
version=$("$qemu/qemu-aarch64" --version | sed -n '1s/.*version \([0-9]*\).*/\1/p')
[ "${version:-0}" -ge 10 ] || { echo "expected qemu-user 10 or later in $qemu, found ${version:-none}" >&2; exit 1; }

# Run a program in a root of another processor: the handler is registered in namespaces of its own, the network is not there.
emulated() { # ROOT PROCESSOR COMMAND...
    local root=$1 processor=$2
    shift 2
    local magic mask interpreter
    if [ "$processor" = aarch64 ]; then
        magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00' interpreter=$qemu/qemu-aarch64
        mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    else
        magic='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00' interpreter=$qemu/qemu-arm
        mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    fi
    unshare --user --map-root-user --mount --net bash -c '
        set -e
        root=$1 rule=$2; shift 2
        mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
        printf "%s" "$rule" >/proc/sys/fs/binfmt_misc/register
        for place in dev proc; do mkdir -p "$root/$place"; mount --rbind "/$place" "$root/$place"; done
        mount -t tmpfs none "$root/tmp"
        exec chroot "$root" "$@"
    ' -- "$root" ":pi:M::$magic:$mask:$interpreter:F" "$@"
}

now_s() { date +%s.%N; }
# What any Raspberry Pi OS has.
system=python3,dash,coreutils,diffutils,sed
rows=""
row() { rows+="| $1 | $2 | $3 |"$'\n'; }

for arch in "$@"; do
    case $arch in
    arm64) processor=aarch64 include=$system,libstdc++6,libgomp1,gcc,libc6-dev ;;
    armhf) processor=armv7l include=$system,python3-numpy,libstdc++6,gcc,libc6-dev ;;
    *) echo "expected arm64 or armhf, got $arch" >&2; exit 2 ;;
    esac
    root=$work/$arch
    mmdebstrap --quiet --arch="$arch" --variant=extract --include="$include" bookworm "$root" ${DEBIAN_MIRROR:-}
    ln -sf dash "$root/usr/bin/sh"
    # Nothing was configured in the root: what alternatives would link is linked here.
    ln -sf python3.11 "$root/usr/bin/python3"
    for library in "$root"/usr/lib/*/blas/libblas.so.3 "$root"/usr/lib/*/lapack/liblapack.so.3; do
        [ ! -e "$library" ] || ln -sf "${library#"$root"}" "$(dirname "$(dirname "$library")")/"
    done
    mkdir -p "$root/tmp"
    har deploy pi "$bundle" --out "$root/deploy" --processor "$processor" --python 3.11 --port /dev/ttyUSB0
    started=$(now_s)
    emulated "$root" "$processor" sh /deploy/install.sh
    row "$arch" "install.sh, without a network" "$(echo "$(now_s) - $started" | bc | cut -c1-6) s emulated"
    site=$(ls -d "$root"/opt/edgehar.d/*/lib/python3.11/site-packages)
    beside=$(du -sm --exclude='numpy*' "$site" | cut -f1)
    row "$arch" "installed beside Python and NumPy" "$beside MB"
    if [ "$processor" = aarch64 ]; then
        # onnxruntime is not part of the folder; it is one more engine to agree with.
        "$python" -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version 3.11 \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
            --dest "$work/onnx" onnxruntime
        "$python" -m zipfile -e "$work"/onnx/onnxruntime-*.whl "$site"
        engines="litert onnxruntime native numpy"
    else
        engines="litert native numpy"
    fi
    for engine in $engines; do
        emulated "$root" "$processor" env HOME=/tmp /opt/edgehar/bin/har verify /opt/edgehar/model --engine "$engine" \
            --json >"$work/verify.json" || true
        row "$arch" "golden windows on $engine" "$("$python" -c '
import json, sys
rows = [row for row in json.load(open(sys.argv[1]))["artifacts"] if row["checked"]]
coarse = [row for row in rows if not row["ok"]]
worst = max(row["max_abs_error"] for row in rows if row["quantization"] == "float32")
print(f"{len(rows) - len(coarse)} of {len(rows)} files agree, float32 within {worst:.0e}")' "$work/verify.json")"
    done
    har simulate --data synthetic --subject 1 --link "$work/sensor" 2>"$work/simulate.log" &
    simulator=$!
    for _ in $(seq 100); do [ -e "$work/sensor" ] && break; sleep 0.1; done
    port=$(readlink -f "$work/sensor")
    emulated "$root" "$processor" env HOME=/tmp /opt/edgehar/bin/har live /opt/edgehar/model --port "$port" --unit g \
        --rate 100 --hop 100 --duration 20 --engine native --jsonl - >"$work/live.jsonl"
    kill "$simulator"
    wait "$simulator" 2>/dev/null || true
    simulator=""
    labels=$(wc -l <"$work/live.jsonl")
    [ "$labels" -ge 5 ] || { echo "expected labels from the serial line, got $labels" >&2; exit 1; }
    row "$arch" "har live on a serial line, 20 s" "$labels labels"
done

printf '\nDebian 12 under qemu-user %s, %s\n\n| system | what | result |\n|---|---|---|\n%s' "$version" "$(date +%F)" "$rows"
