#!/usr/bin/env bash
# Does it work on a bare machine? A minimal Debian root, a clone of HEAD in it, and nothing but ./dev from there on.
#
#   tests/bare/check.sh SUITE [pytest selection]        as root; needs debootstrap, git, util-linux
#
# Law: nothing is cached and nothing of this machine gets in but the way to its package mirrors (apt's sources when the
# suite is ours, pip's index, certificates, proxies), which no file names. Own mount and process namespaces: what is
# started inside ends with the check.
set -euo pipefail

suite=${1:?a Debian suite: bookworm, trixie}; shift
[ $# -gt 0 ] || set -- tests/test_launch.py tests/guest
[ "$(id -u)" = 0 ] || { echo "bare: this needs root" >&2; exit 1; }
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
began=$EPOCHREALTIME
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bare.XXXXXX")
root=$scratch/root
trap 'rm -rf --one-file-system "$scratch"' EXIT

since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f s", b - a }'; }
say() { printf 'bare %s: %s\n' "$suite" "$*"; }

# Debian's archives as this machine reaches them: "CODENAME SUITE URI COMPONENT" lines.
archives() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(RELEASE) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | sort -u
}

fresh_root() {
  local mirror step=$EPOCHREALTIME
  mirror=$(archives | awk '$1 !~ /-security/ { print $3; exit }')
  debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$scratch/debootstrap.log" 2>&1 ||
    { tail -n 20 "$scratch/debootstrap.log" >&2; exit 1; }
  say "debootstrap: $(since "$step"), $(chroot "$root" dpkg-query -W | wc -l) packages"
}

way_to_mirrors() {
  local name value
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump Acquire | grep -E '::(Check-|https?::|Retries|Timeout)' >"$root/etc/apt/apt.conf.d/90mirrors" || true
  archives | awk -v suite="$suite" '$1 == suite || index($1, suite "-") == 1 { print "deb", $3, $1, $4 }' >"$scratch/sources"
  if [ -s "$scratch/sources" ]; then cp "$scratch/sources" "$root/etc/apt/sources.list"; fi
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/mirrors.crt" 2>/dev/null || true
  {
    [ ! -s "$root/etc/mirrors.crt" ] || echo "export PIP_CERT=/etc/mirrors.crt"
    env | grep -iE '^(https?|no)_proxy=' | sed 's/^/export /' || true
    for name in index-url proxy trusted-host default-timeout; do
      value=$("$checkout/.venv/bin/python" -m pip config list | sed -n "s/^global\.$name=//p")
      [ -z "$value" ] || echo "export PIP_$(echo "$name" | tr a-z- A-Z_)=$value"
    done
  } >"$root/etc/mirrors.env"
}

# inside COMMAND...: in the clone, with an environment of its own. The root is a mount, as tests that unshare expect; the
# first process stays bash, which reaps orphans: libvirt waits for the QEMU that it asked until that is gone.
inside() {
  unshare --mount --pid --fork --kill-child bash -euc '
    root=$1; shift
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin CI="${CI:-}" chroot "$root" \
      bash -euc "set -a; . /etc/mirrors.env; set +a; cd /srv/vmsdk; \"\$@\" || exit \$?" bash "$@"
  ' bash "$root" "$@"
}

fresh_root
way_to_mirrors
git clone --quiet "$checkout" "$root/srv/vmsdk"

# Python comes with the first ./dev, so the first smoke cannot be a Python program: it is the greeting itself.
step=$EPOCHREALTIME
inside bash -euc '
  ./dev run --port 0 >/tmp/run.out 2>/tmp/run.err & run=$!
  for _ in $(seq 6000); do
    grep -q "^Ctrl-C" /tmp/run.out && break
    kill -0 $run 2>/dev/null || { cat /tmp/run.err; exit 1; }
    sleep 0.1
  done
  cat /tmp/run.err /tmp/run.out
  kill -TERM $run
  wait $run
'
say "first ./dev run, to its greeting and down again: $(since "$step")"

step=$EPOCHREALTIME
inside ./dev test -q "$@"
say "./dev test -q $*: $(since "$step")"

step=$EPOCHREALTIME
inside .venv/bin/python tests/bare/smoke.py
say "second ./dev run, with a login: $(since "$step")"
say "all: $(since "$began")"
