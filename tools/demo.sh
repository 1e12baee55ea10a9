#!/bin/sh
# demo: a whole watch on this machine, on the loopback interface only: an ordinary morning, then an attack at speed. Shows
# the incidents as they come and the report at the end. Leaves nothing running and nothing behind.
set -eu

build=${1:-build}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d /tmp/guarita-demo.XXXXXX)
runner='' watcher=''

clean() {
	trap - EXIT INT TERM
	if [ -n "$watcher" ]; then kill "$watcher" 2>/dev/null || true; fi
	if [ -n "$runner" ]; then kill "$runner" 2>/dev/null || true; wait "$runner" 2>/dev/null || true; fi
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits up to 10 s for something to become true.
until_true() {
	n=0
	until "$@" 2>/dev/null; do
		n=$((n + 1))
		if [ "$n" -gt 100 ]; then
			echo "demo: gave up waiting for: $*" >&2
			cat "$work/guarita.log" >&2
			exit 1
		fi
		sleep 0.1
	done
}

udp=$(free_port)
tcp=$(free_port)
mkdir "$work/logs"
: >"$work/logs/access.log"
cat >"$work/guarita.conf" <<EOF
site matriz;
state-dir "$work/state";
run-dir "$work/run";
rules-dir "$root/rules";
own 192.168.0.0/16;

udp 127.0.0.1:$udp;
tcp 127.0.0.1:$tcp;
unix "$work/log.sock";
files "$work/logs/*.log" { from start; }

archive "$work/archive" { format raw; }

respond everything { on severity low; file "$work/incidents.jsonl"; }
EOF

say "1. The configuration"
sed 's/^/    /' "$work/guarita.conf"
"$root/$build/guarita" check "$work/guarita.conf"

say "2. Guarita starts"
"$root/$build/guarita" run "$work/guarita.conf" >"$work/guarita.log" 2>&1 &
runner=$!
until_true test -S "$work/run/control"
until_true "$root/$build/guarita" status --control "$work/run/control"
until_true test -S "$work/log.sock"
"$root/$build/guarita" status --control "$work/run/control"

say "3. An ordinary morning, then a stranger (incidents as they happen)"
"$root/$build/guarita" watch --control "$work/run/control" &
watcher=$!
feed() { /usr/bin/python3 "$root/tools/demo-feed.py" "$1" --udp "$udp" --tcp "$tcp" --unix "$work/log.sock" --file "$work/logs/access.log"; }
morning=$(feed morning)
echo "    $morning lines of an ordinary morning sent."
sleep 1
attack=$(feed attack)
echo "    $attack lines of an attack sent."
sleep 2
kill "$watcher" 2>/dev/null || true
watcher=''

say "4. What was received and lost"
"$root/$build/guarita" status --control "$work/run/control"

say "5. Guarita stops; the report over what it kept"
kill "$runner"
wait "$runner" 2>/dev/null || true
runner=''
found=0
"$root/$build/guarita" scan --rules "$root/rules" "$work/archive" "$work/logs" || found=$?
if [ "$found" -ne 3 ]; then
	echo "demo: the attack was not found (scan ended with $found)" >&2
	exit 1
fi
