#!/bin/sh
# Installs what Vesto needs from Debian's packages: tools/deps.sh build|test
# Says in one line what it installs before it does. Does nothing where all is there.
set -eu
what=${1:-test}
build="build-essential cmake ninja-build pkg-config ccache git ca-certificates
  libpq-dev postgresql-15 postgresql-client-15 libssl-dev libcurl4-openssl-dev libzstd-dev
  zlib1g-dev libisal-dev libsimdjson-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libspdlog-dev libfmt-dev libsqlite3-dev libpugixml-dev libcpp-httplib-dev libpg-query-dev
  libprotobuf-c-dev libsodium-dev libssh-dev python3 python3-psycopg2"
test="libclang-rt-14-dev libgtest-dev libgmock-dev python3-pytest python3-jwt python3-venv clang clang-format
  clang-tidy rclone jq zstd isal openssl openssh-server openssh-client
  iproute2 procps util-linux curl valgrind"
case $what in
  build) wanted=$build ;;
  test) wanted="$build $test" ;;
  fresh) wanted="$build $test debootstrap" ;;
  *) echo "usage: tools/deps.sh build|test|fresh" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1; then
  as_root=sudo
else
  echo "Vesto needs these Debian packages; install them as root:$missing" >&2
  exit 1
fi
echo "Installing Debian packages:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  if ! $as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
  fi
}
apt update
# shellcheck disable=SC2086  # a list of words
apt install -y --no-install-recommends $missing
