#!/bin/sh
# Installs the Debian packages named in the given lists (default: deps.list) that are missing. Never asks; when nothing
# is missing it touches nothing, not even the package index. Elsewhere than on Debian it only says what is wanted.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here/deps.list"

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: not a Debian system; make sure that these are present:" >&2
	grep -hv '^#' "$@" >&2
	exit 0
fi

installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for names in $(grep -hv '^#' "$@" | awk '{ print $1 }'); do
	found=
	for name in $(echo "$names" | tr '|' ' '); do
		if installed "$name"; then
			found=yes
		fi
	done
	[ -n "$found" ] || missing="$missing ${names%%|*}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	as_root=sudo
else
	echo "deps: missing:$missing" >&2
	echo "deps: install them as root:  apt-get install$missing" >&2
	exit 1
fi

echo "deps: installing$missing"
$as_root apt-get -qq update </dev/null
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
	-o Dpkg::Options::=--force-confold install $missing </dev/null
