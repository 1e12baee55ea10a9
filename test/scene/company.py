"""The article's company with Guarita as the gateways of matriz and filial, and the small programs its hosts run.

Both gateways run the sample configurations as they are shipped. The tunnel between them is a cable here: what tunnels
do is told elsewhere, what the gates make of it is told here.
"""
import re
import subprocess

import pytest

from conftest import ROOT, wait_until
from gate import GUARITA, Gate

HANDSHAKE = "13" + b"BitTorrent protocol".hex() + "00" * 48
ECHO = """
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1])))
s.listen(16)
print("listening", flush=True)
while True:
    c, _ = s.accept()
    c.settimeout(3)
    try:
        c.sendall(c.recv(1000))
    except OSError:
        pass
    c.close()
"""
SAY = """
import socket, sys
s = socket.socket()
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
s.sendall(bytes.fromhex(sys.argv[3]))
try:
    print("echo" if s.recv(1000) == bytes.fromhex(sys.argv[3]) else "other")
except (TimeoutError, ConnectionError):
    print("nothing")
"""
PING = """
import os, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.settimeout(float(sys.argv[2]))
body = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, 1) + b"guarita!"
total = sum(struct.unpack("!%dH" % (len(body) // 2), body))
total = (total >> 16) + (total & 0xffff)
s.sendto(body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + body[4:], (sys.argv[1], 0))
try:
    while True:
        data, who = s.recvfrom(1000)
        if data[20] == 0:
            print("pong", who[0])
            break
except TimeoutError:
    print("nothing")
"""
FLOW = """
import socket, sys, time
# A flow that never rests: every packet has a number, and every answer is counted.
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
lost = sent = 0
print("flowing", flush=True)
import select
while not select.select([sys.stdin], [], [], 0)[0]:
    s.send(b"%d" % sent)
    try:
        while int(s.recv(100)) != sent:
            pass
    except TimeoutError:
        lost += 1
    sent += 1
print(sent, lost, flush=True)
"""
CHAT = """
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1])))
s.listen(16)
print("listening", flush=True)
c, _ = s.accept()
while True:
    c.sendall(c.recv(1000))
"""
TALK = """
import socket, sys
s = socket.socket()
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
while True:
    s.sendall(b"hello")
    try:
        print("heard" if s.recv(1000) else "end", flush=True)
    except TimeoutError:
        print("nothing", flush=True)
    sys.stdin.readline()
"""
FLOOD = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
body = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"guarita!"
total = sum(struct.unpack("!%dH" % (len(body) // 2), body))
total = (total >> 16) + (total & 0xffff)
packet = body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + body[4:]
for i in range(int(sys.argv[2])):
    s.sendto(packet, (sys.argv[1], 0))
"""
UDP_ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
print("listening", flush=True)
while True:
    data, who = s.recvfrom(2000)
    s.sendto(data, who)
"""


def sample(name, **changes):
    text = (ROOT / "etc" / name).read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    # The tunnel is a cable here (below), and what the VPN's words imply is written; what the whole sites do, the demo shows.
    text = re.sub(r"^headquarters .*\n(\t.*\n)*}\n", "branch matriz 192.168.0.0/24, 192.168.40.0/24 { tunnel 172.31.0.0/16; interface vpn-matriz; }\n",
                  text, flags=re.M)
    text = re.sub(r"^(branch (filial\d+) .*) { tunnel 172.31.(\d+).2; secret .*}\n", r"\1 { tunnel 172.31.\3.0/30; interface vpn-\2; }\n",
                  text, flags=re.M)
    for statement in (r"^l2tp .*\n", r"^udp .*\n", r"^vault .*\n"):
        text = re.sub(statement, "", text, flags=re.M)
    assert "secret" not in text and "vpn-" in text
    return text


def cable(bed, on=True):
    """The tunnel: an interface that comes and goes at both sites."""
    if not on:
        bed.run("matriz", "ip", "link", "del", "vpn-filial30")
        return
    ns = "%s-%s" % (bed.name, "f1")
    bed.run("matriz", "ip", "link", "add", "vpn-filial30", "type", "veth", "peer", "name", "vpn-matriz", "netns", ns)
    for host, name, address in (("matriz", "vpn-filial30", "172.31.30.1/30"), ("f1", "vpn-matriz", "172.31.30.2/30")):
        bed.run(host, "ip", "addr", "add", address, "dev", name)
        bed.run(host, "ip", "link", "set", name, "up")
        # A tunnel has no neighbours to ask for; a cable has.
        bed.run(host, "sysctl", "-qw", "net.ipv4.conf.%s.proxy_arp=1" % name)


@pytest.fixture(scope="module")
def company(bed, tmp_path_factory):  # noqa: F811
    for host in ("matriz", "f1"):
        # What the configuration says must be made by it: nothing is there but the plugs.
        bed.run(host, "ip", "route", "del", "default")
        bed.run(host, "ip", "addr", "flush", "dev", "lan")
        bed.run(host, "ip", "link", "set", "lan", "down")
    folder = tmp_path_factory.mktemp("g")
    filial = sample("filial.conf").replace(
        "around 10.1.1.3:3128;", "around 10.1.1.3:3128 { every 200ms; fails 2; heal 2s; }")
    gates = {"matriz": Gate(bed, "matriz", folder / "m", sample("matriz.conf")),
             "f1": Gate(bed, "f1", folder / "f", filial)}
    for g in gates.values():
        g.start()
    cable(bed)
    wait_until("routes through the tunnel", lambda: route(bed, "matriz", "192.168.30.0/24") and route(bed, "f1", "192.168.0.0/24"))
    yield gates
    for g in gates.values():
        g.close()


def route(bed, host, to):
    return bed.run(host, "ip", "route", "show", to).stdout.strip()


@pytest.fixture(scope="module")
def servers(bed, company):
    """Who listens: web at the internet and at the matriz, shells everywhere."""
    ports = [("www", 80), ("www", 445), ("www", 139), ("msrv", 80), ("msrv", 445), ("msrv", 3389), ("mpc", 3389),
             ("matriz", 22), ("matriz", 8291), ("matriz", 23), ("f1", 22), ("f1", 8291), ("f1", 23), ("f1pc", 445), ("f1pc", 22)]
    up = [bed.listen(host, port) for host, port in ports]
    yield
    for p in up:
        p.kill()
        p.wait()


def guarita(gate, *words):
    return subprocess.run([GUARITA, *words, "--control", gate.control], capture_output=True, text=True)
