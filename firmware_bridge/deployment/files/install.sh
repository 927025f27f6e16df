#!/bin/sh
# Install edgehar and a model from this folder. No network is needed. Usage: sudo sh install.sh [--no-service]
#
# Everything is put into a new folder beside the old one and tried there: only if the model's golden windows get on this
# machine the labels they had where it was made, the new one takes the old one's place, in one step. The old one is kept.
# /opt/edgehar is a link to what is in use; EDGEHAR_ROOT puts everything below another folder than /.
set -eu
cd "$(dirname "$0")"
root=${EDGEHAR_ROOT:-}
link=$root/opt/edgehar
python=${EDGEHAR_PYTHON:-python3}
service=yes
[ "${1:-}" != --no-service ] || service=no

fail() { echo "install.sh: $1" >&2; exit 1; }

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "expected to run as root. Run: sudo sh install.sh"
command -v "$python" >/dev/null || fail "expected Python 3 on this machine, found none. Run: sudo apt-get install python3"
sha256sum --check --quiet --strict SHA256SUMS >/dev/null 2>&1 ||
    fail "expected the files that were written on the laptop, some differ or are missing. Copy the folder again"

# The Python decides, not the kernel: a system of 32 bits may have a kernel of 64.
machine=$("$python" -c 'import platform, struct; print("armv7l" if struct.calcsize("P") == 4 else platform.machine())')
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
wanted=$(cat machine)
[ "$machine" = "$wanted" ] || fail "expected a machine of $wanted, this one is $machine. On the laptop: har deploy pi ... --processor $machine"
[ -d "wheels/$version" ] || fail "expected Python $(ls wheels | grep '^3' | tr '\n' ' ')here, found $version. On the laptop: har deploy pi ... --python $version"
system=""
if [ "$machine" = armv7l ]; then
    "$python" -c 'import numpy' 2>/dev/null ||
        fail "expected the system's NumPy, for which there is no wheel. Run once, with a network: sudo apt-get install python3-numpy"
    system=--system-site-packages
fi

mkdir -p "$root/opt/edgehar.d"
new=$(mktemp -d "$root/opt/edgehar.d/XXXXXXXX")
chmod 755 "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM HUP

echo "installing into $new"
"$python" -m venv --without-pip $system "$new"
pip=$(ls "$PWD"/wheels/common/pip-*.whl)
"$new/bin/python" "$pip/pip" install --quiet --no-index --disable-pip-version-check --no-warn-script-location \
    --find-links "wheels/$version" --find-links wheels/common "edgehar[$(cat extras)]"
cp -R model "$new/model"
chmod -R a+rX "$new"

echo "trying the model's golden windows on this machine"
engine=""
if ! "$new/bin/har" verify "$new/model"; then
    # Of several engines one may be too coarse here, as TFLite's is on 32 bits; then the fastest that is not is used.
    for candidate in native litert numpy; do
        if "$new/bin/har" verify "$new/model" --engine "$candidate" >/dev/null 2>&1; then
            engine=$candidate
            break
        fi
    done
    [ -n "$engine" ] || fail "this machine does not compute what the laptop did; nothing was changed"
    echo "not every engine computes here what the laptop did; the service uses $engine, which does"
fi

# A virtual environment knows its own path; so the link points at it, and never is there a moment without one.
[ ! -d "$link" ] || [ -L "$link" ] || mv "$link" "$root/opt/edgehar.d/before-$(date +%Y%m%d-%H%M%S)"
old=$(readlink "$link" || true)
ln -s "$new" "$link.new.$$"
mv -T "$link.new.$$" "$link"
trap - EXIT
for past in "$root"/opt/edgehar.d/*; do
    # The one in use and the one before it stay, and what was no installation of ours.
    case $past in "$new" | "$old" | */before-*) ;; *) rm -rf "$past" ;; esac
done
echo "installed: /opt/edgehar"
[ -z "$old" ] || echo "the one before is kept: $old"
[ "$service" = yes ] || exit 0

if [ -n "$engine" ]; then
    settings=$new/edgehar-live.env
    sed "s/^HAR_OPTIONS=.*/& --engine $engine/" edgehar-live.env >"$settings"
else
    settings=edgehar-live.env
fi
mkdir -p "$root/etc/systemd/system" "$root/etc/udev/rules.d"
install -m 644 edgehar-live.service "$root/etc/systemd/system/edgehar-live.service"
if [ -e "$root/etc/edgehar-live.env" ] && ! cmp -s "$settings" "$root/etc/edgehar-live.env"; then
    install -m 600 "$settings" "$root/etc/edgehar-live.env.new"
    echo "your /etc/edgehar-live.env stays; the new one is /etc/edgehar-live.env.new"
else
    install -m 600 "$settings" "$root/etc/edgehar-live.env"
fi
[ ! -e 90-edgehar.rules ] || install -m 644 90-edgehar.rules "$root/etc/udev/rules.d/90-edgehar.rules"
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    udevadm control --reload || true
    systemctl daemon-reload
    systemctl enable edgehar-live
    systemctl restart edgehar-live
    echo "running: journalctl -u edgehar-live -f"
else
    echo "not started: there is no systemd here"
fi
