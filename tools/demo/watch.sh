#!/bin/sh
# watch: a whole watch on this machine, on the loopback interface only: an ordinary morning, then an attack at speed. Shows
# the incidents as they come and the report at the end. Leaves nothing running and nothing behind, also when interrupted.
#
#   tools/demo.sh watch [BUILD]      BUILD: the build folder, `build` in the root of the sources
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build}
rules=${GUARITA_RULES:-$root/rules}
guarita=$build/src/main/guarita
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if [ ! -x "$guarita" ]; then
	echo "demo: there is no $guarita; build first: make" >&2
	exit 1
fi
build=$(cd "$build" && pwd)
guarita=$build/src/main/guarita
work=$(mktemp -d /tmp/guarita-demo.XXXXXX)
runner='' watcher='' feeder=''

stop() {
	if [ -n "$1" ]; then
		kill "$1" 2>/dev/null || true
		wait "$1" 2>/dev/null || true
	fi
}

clean() {
	trap - EXIT
	trap '' INT TERM
	stop "$feeder"
	stop "$watcher"
	stop "$runner"
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"; }

# Ports of the loopback interface that nobody uses.
ports=$("$python" -c 'import socket
a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
for s in (a, b): s.bind(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])')
udp=${ports% *}
tcp=${ports#* }

# Waits up to 20 s for something to become true.
until_true() {
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		if [ "$n" -gt 200 ] || ! kill -0 "$runner" 2>/dev/null; then
			echo "demo: gave up waiting for: $*" >&2
			cat "$work/guarita.log" >&2
			exit 1
		fi
		sleep 0.1
	done
}

lines_seen() {
	"$guarita" status --json --control "$work/run/control" | "$python" -c 'import json, sys
roles = {r["name"]: r for r in json.load(sys.stdin)["roles"]}
sys.exit(roles["watchd"].get("status", {}).get("lines", 0) < int(sys.argv[1]))' "$1"
}

feed() {
	"$python" "$root/tools/demo/feed.py" "$@" --udp "$udp" --tcp "$tcp" --unix "$work/log.sock" \
		--file "$work/logs/access.log" >"$work/sent" &
	feeder=$!
	wait "$feeder"
	feeder=''
	sent=$((sent + $(cat "$work/sent")))
	until_true lines_seen "$sent"
}

incidents() {
	grep -c '"change":"opened"' "$work/state/incidents.jsonl" || true
}

mkdir "$work/logs"
: >"$work/logs/access.log"
cat >"$work/guarita.conf" <<END
site matriz;
state-dir "$work/state";
run-dir "$work/run";
rules-dir "$rules";
own 192.168.0.0/16;

udp 127.0.0.1:$udp;
tcp 127.0.0.1:$tcp;
unix "$work/log.sock";
files "$work/logs/*.log" { from start; }

archive "$work/archive" { format raw; }
respond everything { on severity low; file "$work/incidents.jsonl"; }
END

say "1. The whole configuration of a log watch: network, local socket, files"
sed 's/^/    /' "$work/guarita.conf"
echo
"$guarita" check "$work/guarita.conf"

say "2. Guarita starts: each process with the rights of its own work only"
"$guarita" run "$work/guarita.conf" >"$work/guarita.log" 2>&1 &
runner=$!
until_true test -S "$work/run/control"
until_true grep -q 'ready' "$work/guarita.log"
"$guarita" status --control "$work/run/control"

say "3. An ordinary morning, and then a stranger: incidents as they happen"
"$guarita" watch --control "$work/run/control" 2>/dev/null &
watcher=$!
sent=0
feed morning
printf '    %s lines of an ordinary morning, one mistyped password among them: %s incidents.\n\n' "$sent" "$(incidents)"
before=$sent
feed attack --pace 0.1
sleep 1
printf '\n    %s lines of the attack: %s incidents, told above as they came.\n' "$((sent - before))" "$(incidents)"
stop "$watcher"
watcher=''

say "4. What was received, understood and lost"
"$guarita" status --control "$work/run/control"

say "5. Guarita stops; the report over all it kept"
stop "$runner"
runner=''
found=0
(cd "$work" && "$guarita" scan --rules "$rules" archive logs) || found=$?
if [ "$found" -ne 3 ]; then
	echo "demo: the attack was not found (scan ended with $found)" >&2
	exit 1
fi
if grep -q '"src":"192\.168\.' "$work/state/incidents.jsonl"; then
	echo "demo: somebody of the house was blamed" >&2
	exit 1
fi
echo "The stranger wrote 192.168.10.21 into his user names, to have it blamed: it was not."
