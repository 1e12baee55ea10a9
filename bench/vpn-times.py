#!/usr/bin/python3
"""How long a filial is without its matriz, after each thing that happens to a line.

usage: vpn-times.py [BUILD [cable|filial|kill|stop|port|address|mute|storm...]]

matriz and filial stand in network namespaces with a router between; a packet every 10 ms asks through the tunnel, and the
time is that from the event to the first answer after it.

  cable     the filial's cable is put in: until a file of the matriz is read at its PC
  filial    l2tpd of the filial is killed and begins again
  stop      l2tpd of the matriz ends and begins again (from its beginning)
  kill      the same, killed: its filial has to find out (keepalive 1s here; 10s is the default)
  port      the router in between gives the filial another port
  address   the filial's line gets another address
  mute      nothing passes for MUTE seconds (60; the simulation of test_l2tp_vpn has the ten minutes), then all does
  storm     30 real xl2tpd, each with its pppd, in the testbed's guest, whose server comes back: until all are up again
            (a capture shows where that goes: calls of all stand within 30 ms of each other, as soon as xl2tpd has waited its
            second twice; each is up 40 to 240 ms after its pppd first speaks; the rest is the guest's one processor, which
            starts one pppd after the other)
Needs root, ip, nft, ping; storm needs the testbed. Nothing outside the namespaces is touched.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
L2TPD = BUILD / "src/role/l2tpd"
PEERS = ROOT.parent / "shared" / "testbed" / "l2tp-peers"
CACHE = Path(os.environ.get("GUARITA_PEERS_CACHE", "/var/tmp/guarita-l2tp-peers"))
MUTE = float(os.environ.get("MUTE", "60"))
FIRST = ["chrt", "-r", "5"] if shutil.which("chrt") else []
M, R, F = ("vtimes%d-%s" % (os.getpid(), c) for c in "mrf")
SERVER = "site m;\nstdin;\nl2tp server { address 10.9.0.1; pool 10.9.0.0/24; encryption required; keepalive 1s; }\nsecret f segredo { network 192.168.30.0/24; }\n"
CLIENT = "site f;\nstdin;\nheadquarters 192.0.2.1 { user f; password segredo; network 192.168.0.0/24; keepalive 1s; }\n"
READ = """import time, urllib.request
while True:
    try:
        assert len(urllib.request.urlopen('http://192.168.0.1:8000/file', timeout=1).read()) == 1 << 20
        break
    except OSError:
        time.sleep(0.01)
print(time.monotonic())
"""


def run(*words):
	return subprocess.run([str(w) for w in words], capture_output=True, text=True)


def ip(*words):
	done = run("ip", *words)
	assert done.returncode == 0, done.stderr
	return done.stdout


def inside(ns, *words, **more):
	return subprocess.Popen([*FIRST, "ip", "netns", "exec", ns, *map(str, words)], **more)


class End:
	def __init__(self, folder, ns, text):
		self.ns, self.conf, self.process = ns, folder / (ns + ".conf"), None
		self.conf.write_text(text)
		self.log = folder / (ns + ".log")

	def start(self):
		self.process = inside(self.ns, L2TPD, "--config", self.conf, stderr=open(self.log, "ab"))
		return time.monotonic()

	def stop(self, signo=signal.SIGTERM):
		self.process.send_signal(signo)
		self.process.wait()


class Line:
	"""matriz - router - filial, addresses on either side, routes in between."""

	def __init__(self, folder):
		for ns in (M, R, F):
			ip("netns", "add", ns)
			ip("-n", ns, "link", "set", "lo", "up")
		for a, name, ours, theirs in ((M, "to-m", "192.0.2.1/24", "192.0.2.254/24"), (F, "to-f", "198.51.100.2/24", "198.51.100.254/24")):
			ip("link", "add", "wan", "netns", a, "type", "veth", "peer", "name", name, "netns", R)
			ip("-n", a, "addr", "add", ours, "dev", "wan")
			ip("-n", R, "addr", "add", theirs, "dev", name)
			ip("-n", a, "link", "set", "wan", "up")
			ip("-n", R, "link", "set", "dev", name, "up")
			ip("-n", a, "route", "add", "default", "via", theirs.split("/")[0])
		run("ip", "netns", "exec", R, "sysctl", "-qw", "net.ipv4.ip_forward=1")
		ip("-n", M, "addr", "add", "192.168.0.1/24", "dev", "lo")
		ip("-n", F, "addr", "add", "192.168.30.1/24", "dev", "lo")
		self.matriz, self.filial, self.folder = End(folder, M, SERVER), End(folder, F, CLIENT), folder
		self.asking = None

	def rules(self, text):
		done = run("ip", "netns", "exec", R, "nft", "flush ruleset; " + text)
		assert done.returncode == 0, done.stderr

	def ask(self):
		self.answers = open(self.folder / "answers", "wb+")
		self.asking = inside(F, "ping", "-n", "-D", "-i", "0.01", "-W", "1", "-I", "192.168.30.1", "192.168.0.1",
		                     stdout=self.answers, stderr=subprocess.DEVNULL)

	def stamps(self):
		return [float(t) for t in re.findall(r"^\[([0-9.]+)\] \d+ bytes from", (self.folder / "answers").read_text(), re.M)]

	def answered(self, since, limit=90):
		"""When answers come again, in seconds from `since` (of the wall clock, as ping has it): the end of the longest gap in
		what follows, looked at once three seconds of answers are there."""
		end = time.monotonic() + limit
		while time.monotonic() < end:
			after = [t for t in self.stamps() if t > since]
			if len(after) > 150 and after[-1] - after[-100] < 3 and time.time() - since > 5:
				gaps = [(b - a, b) for a, b in zip([since] + after, after)]
				return max(gaps)[1] - since if max(gaps)[0] > 0.05 else 0.0
			if self.asking.poll() is not None:
				self.ask()
			time.sleep(0.2)
		raise SystemExit("vpn-times: no answer within %d s; see %s" % (limit, self.filial.log.read_text()[-2000:]))

	def up(self):
		self.matriz.start()
		time.sleep(0.3)
		self.filial.start()
		self.ask()
		self.answered(time.time())
		time.sleep(1)

	def close(self):
		for p in (self.asking, self.matriz.process, self.filial.process):
			if p and p.poll() is None:
				p.terminate()
				p.wait()
		for ns in (M, R, F):
			run("ip", "netns", "del", ns)


def forget_connections(ns):
	"""Takes all entries out of a router's table, as its restart would: IPCTNL_MSG_CT_DELETE without a filter."""
	code = ("import socket,struct; s=socket.socket(socket.AF_NETLINK,socket.SOCK_RAW,12); "
	        "s.send(struct.pack('=IHHIIBBH',20,0x102,5,1,0,2,0,0)); s.recv(4096)")
	assert run("ip", "netns", "exec", ns, sys.executable, "-c", code).returncode == 0


def cable(line):
	ip("-n", R, "link", "set", "to-f", "down")
	(line.folder / "file").write_bytes(bytes(1 << 20))
	web = inside(M, sys.executable, "-m", "http.server", "--bind", "192.168.0.1", "--directory", line.folder, "8000",
	             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	line.matriz.start()
	line.filial.start()
	reader = inside(F, sys.executable, "-c", READ, stdout=subprocess.PIPE, text=True)
	time.sleep(7)
	ip("-n", R, "link", "set", "to-f", "up")
	began = time.monotonic()
	took = float(reader.communicate(timeout=90)[0]) - began
	web.kill()
	web.wait()
	return took


def filial(line):
	line.up()
	line.filial.stop(signal.SIGKILL)
	since = time.time()
	line.filial.start()
	return line.answered(since)


def restart(line, signo):
	line.up()
	line.matriz.stop(signo)
	since = time.time()
	line.matriz.start()
	return line.answered(since)


def stop(line):
	return restart(line, signal.SIGTERM)


def kill(line):
	return restart(line, signal.SIGKILL)


def port(line):
	nat = 'table ip nat { chain out { type nat hook postrouting priority 100; oifname "to-m" udp dport 1701 snat to 192.0.2.254:%d; }; }'
	line.rules(nat % 20000)
	line.up()
	line.rules(nat % 30000)
	forget_connections(R)
	return line.answered(time.time())


def address(line):
	line.up()
	ip("-n", F, "addr", "add", "198.51.100.77/24", "dev", "wan")
	ip("-n", F, "addr", "del", "198.51.100.2/24", "dev", "wan")
	run("ip", "-n", F, "addr", "add", "198.51.100.77/24", "dev", "wan")
	run("ip", "-n", F, "route", "replace", "default", "via", "198.51.100.254")
	return line.answered(time.time())


def mute(line):
	line.up()
	line.rules("table ip mute { chain way { type filter hook forward priority 0; policy drop; }; }")
	time.sleep(MUTE)
	since = time.time()
	line.rules("")
	return line.answered(since)


STORM = """mods
ip link add br0 type bridge; ip link set br0 up; ip addr flush dev wan0; ip link set wan0 master br0
echo ipcp-accept-local ipcp-accept-remote refuse-eap refuse-pap noauth mtu 1400 mru 1400 nodefaultroute noipdefault | tr ' ' '\\n' | sed 's/mtu/mtu 1400/; s/mru/mru 1400/; /^1400$/d' > /tmp/ppp
for i in $(seq 11 40); do
	ip netns add c$i; ip link add v$i type veth peer name w netns c$i; ip link set v$i master br0; ip link set v$i up
	ip -n c$i addr add 192.0.2.$i/24 dev w; ip -n c$i link set w up; ip -n c$i link set lo up
	{ cat /tmp/ppp; echo user f$i; echo password segredo; } > /tmp/ppp$i
	printf '[global]\\nport = 1701\\n[lac hq]\\nlns = 192.0.2.1\\npppoptfile = /tmp/ppp%s\\nautodial = yes\\nredial = yes\\nredial timeout = 1\\nmax redials = 100\\n' $i > /tmp/conf$i
done
touch /host/ready
while [ ! -e /host/go ]; do sleep 0.1; done
for i in $(seq 11 40); do ip netns exec c$i xl2tpd -D -c /tmp/conf$i -p /tmp/pid$i -C /tmp/ctl$i > /tmp/log$i 2>&1 & done
while [ ! -e /host/end ]; do sleep 0.2; done
"""


def storm(line):
	"""All at once, and again when the server that they had is back: the later is printed, the first told besides."""
	if not (CACHE / "root").exists():
		raise SystemExit("vpn-times: storm needs the guest of the testbed: " + str(PEERS))
	users = "".join("secret f%d segredo;\n" % i for i in range(11, 41))
	line.matriz.conf.write_text("site m;\nstdin;\nl2tp server { address 10.9.0.1; pool 10.9.0.0/24; encryption no; }\n" + users)
	ip("-n", M, "addr", "del", "192.0.2.1/24", "dev", "wan")
	ip("-n", M, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
	ip("-n", M, "addr", "add", "192.0.2.1/24", "dev", "br0")
	ip("-n", M, "link", "set", "br0", "up")
	share = line.folder / "share"
	share.mkdir()
	said = open(line.folder / "guest", "wb")
	guest = subprocess.Popen([*FIRST, str(PEERS / "vm.sh"), "-n", M, "-b", "br0", "-t", "200", "-m", "1024", "-s", str(share), STORM], stdout=said,
	                         stderr=subprocess.STDOUT)

	def until(what, limit=120):
		end = time.monotonic() + limit
		while not what():
			if time.monotonic() > end:
				raise SystemExit("vpn-times: the storm does not end: %d are up\n%s" % (ups(), (line.folder / "guest").read_text()[-1500:]))
			time.sleep(0.005)
		return time.monotonic()

	def ups():
		return line.matriz.log.read_text().count("vpn.up") if line.matriz.log.exists() else 0
	try:
		until((share / "ready").exists)
		line.matriz.start()
		until(lambda: "ready on port" in line.matriz.log.read_text())
		(share / "go").touch()
		began = until(lambda: ups() >= 1)
		print("storm      30 xl2tpd at once: %.2f s from the first to the last" % (until(lambda: ups() >= 30) - began), flush=True)
		time.sleep(3)
		line.matriz.stop(signal.SIGTERM)
		time.sleep(1)
		began, had = line.matriz.start(), ups()
		return until(lambda: ups() >= had + 30) - began
	finally:
		(share / "end").touch()
		guest.wait()


def main():
	cases = {"cable": cable, "filial": filial, "stop": stop, "kill": kill, "port": port, "address": address, "mute": mute, "storm": storm}
	for name in sys.argv[2:] or cases:
		with tempfile.TemporaryDirectory() as folder:
			line = Line(Path(folder))
			try:
				print("%-9s %6.2f s" % (name, cases[name](line)), flush=True)
			finally:
				line.close()


main()
