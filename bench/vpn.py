#!/usr/bin/python3
"""Speed of the VPN, ourselves with ourselves, in network namespaces of its own.

usage: vpn.py [BUILD]

  flow       one TCP flow through the tunnel, plain and with MPPE-128, beside the same veth without a tunnel (the ratio);
             and, because only that means something on a busy machine, the processor time of each l2tpd per gigabit
  sessions   how many sessions come up in a second, how long one takes, and the server's memory for each
Needs root, ip, iperf3 and a C compiler. Nothing outside the namespaces is touched.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
L2TPD = BUILD / "src/role/l2tpd"
M, F = "vbench%d-m" % os.getpid(), "vbench%d-f" % os.getpid()
SERVER = "site m;\nstdin;\nlog-level warning;\nl2tp server { address 10.9.0.1; pool %s; encryption %s; max-sessions 65000; keepalive never; }\n"
CLIENT = "site f;\nstdin;\nheadquarters 192.0.2.1 { user f; password segredo; network 192.168.0.0/24; encryption %s; }\n"


def ip(*words):
	subprocess.run(["ip", *words], check=True)


def inside(ns, *words, **more):
	return subprocess.Popen(["ip", "netns", "exec", ns, *map(str, words)], **more)


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
	while inside(F, "ping", "-c1", "-W1", address, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait() != 0:
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


def sessions(folder, count):
	load = folder / "vpn-load"
	libs = [BUILD / "src" / d / ("lib%s.a" % d) for d in ("gate", "conf", "event", "msg", "wire", "sys", "base")]
	subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-std=gnu11", "-I", ROOT / "src", ROOT / "bench/vpn-load.c", "-o", load,
	                "-Wl,--start-group", *libs, "-Wl,--end-group", "-luv", "-lseccomp", "-lmnl", "-lnftables"], check=True)
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


def main():
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
			bare = iperf("192.0.2.1")
			print("flow       no tunnel %.2f Gbit/s" % bare, flush=True)
			for encryption in ("no", "required"):
				speed, spent = flow(Path(name), encryption)
				print("flow       encryption %-8s %.2f Gbit/s, %.2f of that; sender %.2f and receiver %.2f s of processor a gigabit"
				      % (encryption, speed, speed / bare, spent[1], spent[0]), flush=True)
			for count in (2000, 60000):
				sessions(Path(name), count)
	finally:
		for ns in (M, F):
			ip("netns", "del", ns)


main()
