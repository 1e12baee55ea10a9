#!/bin/sh
# demo: a whole company on this machine: a matriz, two filiais, the internet between them and a stranger in it, each a network
# namespace of its own, with Guarita at every site. All of it lives in one process namespace: when that ends, however it ends,
# nothing is left.
#
#   tools/demo.sh [--keep] [--fast] [BUILD]   the company; --keep leaves it up, --fast does not wait for readers
#   tools/demo.sh enter HOST [COMMAND...]     a shell, or a command, in a host of a company that was kept
#   tools/demo.sh end                         ends it
#   tools/demo.sh watch [BUILD]               the watch alone, on the loopback interface, without root
set -eu

here=$(cd "$(dirname "$0")" && pwd)
kept=${GUARITA_DEMO_KEPT:-/run/guarita-demo.pid}
python=/usr/bin/python3
[ -x "$python" ] || python=python3

# The first process of a company that was kept, when it lives.
kept_pid() {
	[ -f "$kept" ] && read -r pid start <"$kept" &&
		[ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ] && echo "$pid"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		exec "$@"
	elif command -v sudo >/dev/null 2>&1; then
		exec sudo -- "$@"
	fi
	echo "demo: network namespaces need root: become root, or try  tools/demo.sh watch" >&2
	exit 1
}

end() {
	pid=$(kept_pid) || { echo "demo: there is no company that was kept"; return 0; }
	kill "$pid"
	n=0
	while [ -d "/proc/$pid" ] && [ $n -lt 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	rm -f "$kept"
	echo "demo: the company is gone"
}

case ${1:-} in
watch)
	shift
	exec "$here/demo/watch.sh" "$@"
	;;
-h | --help | help)
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
	exit 0
	;;
esac
[ "$(id -u)" -eq 0 ] || as_root "$0" "$@"
case ${1:-} in
end)
	end
	exit 0
	;;
enter)
	[ $# -ge 2 ] || { echo "usage: tools/demo.sh enter HOST [COMMAND...]" >&2; exit 2; }
	pid=$(kept_pid) || { echo "demo: there is no company; raise one with  tools/demo.sh --keep" >&2; exit 1; }
	host=$2
	shift 2
	exec nsenter -t "$pid" -m -p -- "$here/demo/enter.sh" "$host" "$@"
	;;
esac
for tool in unshare nsenter ip nft; do
	command -v $tool >/dev/null || { echo "demo: there is no $tool; run  make demo  or install it" >&2; exit 1; }
done
[ -e /dev/net/tun ] || { echo "demo: there is no /dev/net/tun, which the tunnels need: modprobe tun" >&2; exit 1; }
if kept_pid >/dev/null; then
	end
fi
exec "$python" "$here/demo/company.py" --kept "$kept" "$@"
