#!/bin/bash
# The README's two commands on a Debian 12 that has nothing of what Vesto needs: a debootstrap
# minbase tree, entered by pivot_root in namespaces of its own (a plain chroot has no user
# namespaces). Needs root. The host's own package settings are used inside.
#
#   tools/test_fresh.sh [COMMAND]     default: make demo && make test
set -euo pipefail
cd "$(dirname "$0")/.."
command=${1:-"make demo && make demo-stop && make test"}
[ "$(id -u)" = 0 ] || { echo "make test-fresh needs root (debootstrap, namespaces)" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
tree=$work/tree
mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 'Created-By: Packages' |
  sort -u | head -n 1)
[ -n "$mirror" ] || { echo "no Debian mirror is configured on this machine" >&2; exit 1; }

echo "Making a Debian minbase tree ..."
debootstrap --variant=minbase --include=ca-certificates bookworm "$tree" "$mirror" \
  >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }

rm -f "$tree/etc/apt/sources.list"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian*; do
  [ ! -s "$file" ] || cp "$file" "$tree$file"
done
for file in /etc/apt/apt.conf.d/99* /etc/pip.conf /etc/resolv.conf /etc/hosts; do
  [ ! -f "$file" ] || cp -L "$file" "$tree$file"
done
# A machine behind a proxy that inspects TLS trusts its CA by this bundle; so must the tree.
cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
cp -r /usr/local/share/ca-certificates "$tree/usr/local/share/" 2>/dev/null || true

git clone -q --no-hardlinks . "$tree/home/vesto"
cat >"$tree/inside.sh" <<INSIDE
set -eu
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y git make >/dev/null
cd /home/vesto
$command
INSIDE

unshare --mount --pid --fork --propagation private bash -euc '
  tree=$1
  mount --bind "$tree" "$tree"
  cd "$tree"
  mkdir -p old
  pivot_root . old
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /tmp
  mkdir -p /dev/shm /dev/pts
  mount --rbind /old/dev /dev
  mount -t sysfs sysfs /sys 2>/dev/null || true
  umount -l /old
  exec bash /inside.sh
' bash "$tree"
echo "test-fresh: the README's commands pass on a bare Debian 12"
