#!/usr/bin/python3
"""Speed of the VPN, ourselves with ourselves, in network namespaces of its own.

usage: vpn.py [BUILD [flow|small|sessions...]]

  flow       one TCP flow through the tunnel, plain and with MPPE-128, beside the same veth without a tunnel (the ratio),
             and beside l2tpns where the testbed with other peers was built; the processor time of each l2tpd per gigabit
  small      packets of 64 bytes through the tunnel in a second: handed to the kernel by 64 at a time, and one by one
  sessions   how many sessions come up in a second, how long one takes, and the server's memory for each
All that is measured, ours and others, runs under SCHED_RR where chrt is there: a busy machine then changes little.
Needs root, ip, iperf3 and a C compiler. Nothing outside the namespaces is touched.
"""
import json
import os
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
FIRST = ["chrt", "-r", "5"] if shutil.which("chrt") else []
M, F = "vbench%d-m" % os.getpid(), "vbench%d-f" % os.getpid()
SERVER = "site m;\nstdin;\nlog-level warning;\nl2tp server { address 10.9.0.1; pool %s; encryption %s; max-sessions 65000; keepalive never; }\n"
CLIENT = "site f;\nstdin;\nheadquarters 192.0.2.1 { user f; password segredo; network 192.168.0.0/24; encryption %s; }\n"


def ip(*words):
	subprocess.run(["ip", *words], check=True)


def inside(ns, *words, **more):
	return subprocess.Popen([*FIRST, "ip", "netns", "exec", ns, *map(str, words)], **more)


def cpu(process):
	fields = Path("/proc/%d/stat" % process.pid).read_text().rsplit(")", 1)[1].split()
	return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(ns, folder, text):
	path = folder / (ns + ".conf")
	path.write_text(text)
	return inside(ns, L2TPD, "--config", path, stderr=subprocess.DEVNULL)


def iperf(address):
	server = inside(M, "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
	time.sleep(0.5)
	done = inside(F, "iperf3", "-c", address, "-t", "5", "-J", stdout=subprocess.PIPE)
	out = json.loads(done.communicate()[0])
	server.wait()
	return out["end"]["sum_received"]["bits_per_second"] / 1e9


def reach(address):
	end = time.monotonic() + 60
	while inside(F, "ping", "-c1", "-W1", address, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait() != 0:
		if time.monotonic() > end:
			raise SystemExit("vpn: %s does not answer through the tunnel" % address)
		time.sleep(0.1)


def flow(folder, encryption):
	ends = [start(M, folder, SERVER % ("10.9.0.0/24", encryption) + "secret f segredo;\n"),
	        start(F, folder, CLIENT % encryption)]
	try:
		reach("192.168.0.1")
		before = [cpu(p) for p in ends]
		speed = iperf("192.168.0.1")
		spent = [(cpu(p) - b) / (5 * speed) for p, b in zip(ends, before)]
	finally:
		for p in ends:
			p.terminate()
			p.wait()
	return speed, spent


def compiled(folder, name, *more):
	program = folder / name
	subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-std=gnu11", ROOT / "bench" / (name + ".c"), "-o", program, *more], check=True)
	return program


def small(folder, segments):
	"""Packets a second that came out at the other end, and the share of those sent."""
	ends = [start(M, folder, SERVER % ("10.9.0.0/24", "no") + "secret f segredo;\n"), start(F, folder, CLIENT % "no")]
	program = compiled(folder, "vpn-small")
	try:
		reach("192.168.0.1")
		receiver = inside(M, program, "receive", 9000, stdout=subprocess.PIPE, text=True)
		receiver.stdout.readline()
		# 20 bytes of IP and 8 of UDP stand before these.
		sender = inside(F, program, "send", "192.168.0.1", 9000, 36, segments, 4, stdout=subprocess.PIPE, text=True)
		sent = int(sender.communicate()[0].split()[0])
		came, seconds = receiver.communicate()[0].split()
	finally:
		for p in ends:
			p.terminate()
			p.wait()
	return int(came) / float(seconds), int(came) / sent


def flow_l2tpns(folder):
	"""Our client, l2tpns as the server: it has no encryption. None: there is no testbed."""
	if not (PEERS.exists() and (CACHE / "root").exists()):
		return None
	server = subprocess.Popen([*FIRST, str(PEERS / "peer.sh"), M, "ip link add br0 type bridge; ip addr add 10.99.0.1/24 dev br0; "
	                           "ip link set br0 up; USERNAME=f; l2tpns_lns 192.0.2.1; sleep 100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	client = start(F, folder, CLIENT % "no; authentication chap")
	try:
		reach("192.168.0.1")
		return iperf("192.168.0.1")
	finally:
		client.terminate()
		client.wait()
		# A session and a view of the files of its own: it is ended by what lives in its namespace.
		for pid in subprocess.run(["ip", "netns", "pids", M], capture_output=True, text=True).stdout.split():
			os.kill(int(pid), signal.SIGKILL)
		server.wait()


def sessions(folder, count):
	libs = [BUILD / "src" / d / ("lib%s.a" % d) for d in ("gate", "conf", "event", "msg", "wire", "sys", "base")]
	load = compiled(folder, "vpn-load", "-I", ROOT / "src", "-Wl,--start-group", *libs, "-Wl,--end-group", "-luv", "-lseccomp",
	                "-lmnl", "-lnftables")
	users = "".join("secret load%d segredo;\n" % i for i in range(count))
	server = start(M, folder, SERVER % ("10.0.0.0/15", "yes") + users)
	address = ["ip", "-n", M, "addr", "show", "dev", "l2tp"]
	while "10.9.0.1" not in subprocess.run(address, capture_output=True, text=True).stdout:
		time.sleep(0.2)
	time.sleep(2)

	def memory():
		return int(Path("/proc/%d/statm" % server.pid).read_text().split()[1]) * 4096
	empty, busy = memory(), cpu(server)
	run = inside(F, load, "192.0.2.1", 1701, count, 300, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
	said = run.stdout.readline().strip()
	print("sessions   %s; server: %.1f MB for all, %.0f bytes each, %.0f us of processor each" % (
		said, memory() / 1e6, (memory() - empty) / count, (cpu(server) - busy) / count * 1e6), flush=True)
	run.stdin.close()
	run.wait()
	server.terminate()
	server.wait()


def all_flows(folder):
	bare = iperf("192.0.2.1")
	print("flow       no tunnel %.2f Gbit/s" % bare, flush=True)
	for encryption in ("no", "required"):
		speed, spent = flow(folder, encryption)
		print("flow       encryption %-8s %.2f Gbit/s, %.2f of that; sender %.2f and receiver %.2f s of processor a gigabit"
		      % (encryption, speed, speed / bare, spent[1], spent[0]), flush=True)
	other = flow_l2tpns(folder)
	if other:
		print("flow       l2tpns, no encryption, our client: %.2f Gbit/s" % other, flush=True)


def all_small(folder):
	for segments in (64, 1):
		rate, share = small(folder, segments)
		print("small      64-byte packets, %2d at a time: %.0f a second came out, %.0f %% of those sent"
		      % (segments, rate, 100 * share), flush=True)


def all_sessions(folder):
	for count in (2000, 60000):
		sessions(folder, count)


def main():
	what = sys.argv[2:] or ["flow", "small", "sessions"]
	for ns in (M, F):
		ip("netns", "add", ns)
	try:
		ip("link", "add", "wan0", "netns", M, "type", "veth", "peer", "name", "wan0", "netns", F)
		for ns, a in ((M, "192.0.2.1/24"), (F, "192.0.2.2/24")):
			ip("-n", ns, "addr", "add", a, "dev", "wan0")
			ip("-n", ns, "link", "set", "wan0", "up")
			ip("-n", ns, "link", "set", "lo", "up")
		ip("-n", M, "addr", "add", "192.168.0.1/24", "dev", "lo")
		with tempfile.TemporaryDirectory() as name:
			for one in what:
				{"flow": all_flows, "small": all_small, "sessions": all_sessions}[one](Path(name))
	finally:
		for ns in (M, F):
			ip("netns", "del", ns)


main()
