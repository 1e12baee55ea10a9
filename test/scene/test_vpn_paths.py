"""Paths that real lines have: loss, repetition and reordering; many filiais behind one address; many tunnels of one pair.

The relay that spoils the path is seeded, and the processes are real: nothing depends on which packets it takes.
"""
import random
import select
import socket
import subprocess
import threading
import time

import pytest
from conftest import wait_until
from test_oracle import in_namespace
from test_vpn import SERVER, USER, Site, company, connected, headquarters, pytestmark, run  # noqa: F401


class Relay:
    """Between who dials 192.0.2.1:1800 and the server's port 1701, both in the matriz' namespace: a socket for each client."""

    def __init__(self, namespace, seed, loss, twice, late):
        self.chance, self.loss, self.twice, self.late = random.Random(seed), loss, twice, late
        self.namespace, self.clients, self.waiting = namespace, {}, []
        self.carried = self.lost = self.doubled = self.held = 0
        self.front = self.open(("192.0.2.1", 1800))
        self.stopped = False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def open(self, at):
        s = in_namespace(self.namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        s.bind(at)
        s.setblocking(False)
        return s

    def spoil(self, send, packet):
        self.carried += 1
        if self.chance.random() < self.loss:
            self.lost += 1
            return
        send(packet)
        if self.chance.random() < self.twice:
            self.doubled += 1
            send(packet)

    def pass_on(self, send, packet):
        """At once, or held back for a moment so that others overtake it."""
        if self.chance.random() < self.late:
            self.held += 1
            self.waiting.append((time.monotonic() + self.chance.random() * 0.03, send, packet))
        else:
            self.spoil(send, packet)

    def take(self, s):
        packet, peer = s.recvfrom(65536)
        if s is self.front:
            if peer not in self.clients:
                self.clients[peer] = self.open(("192.0.2.1", 0))
            back = self.clients[peer]
            self.pass_on(lambda p: back.sendto(p, ("192.0.2.1", 1701)), packet)
        else:
            client = next(c for c, b in self.clients.items() if b is s)
            self.pass_on(lambda p: self.front.sendto(p, client), packet)

    def work(self):
        while not self.stopped:
            for s in select.select([self.front, *self.clients.values()], [], [], 0.005)[0]:
                try:
                    self.take(s)
                except OSError:
                    pass
            due = [w for w in self.waiting if w[0] <= time.monotonic()]
            self.waiting = [w for w in self.waiting if w not in due]
            for _, send, packet in due:
                self.spoil(send, packet)

    def stop(self):
        self.stopped = True
        self.thread.join()
        for s in (self.front, *self.clients.values()):
            s.close()


@pytest.mark.parametrize("seed, encryption", [(1, "required"), (2, "required"), (3, "no")])
def test_a_bad_path(company, seed, encryption):  # noqa: F811
    m, f = company
    m.start("l2tp server { address 10.9.0.1; pool 10.9.0.0/24; encryption %s; }\n%s" % (encryption, USER))
    relay = Relay(m.name, seed, loss=0.3, twice=0.2, late=0.3)
    try:
        f.start("headquarters 192.0.2.1:1800 { user filial1; password segredo; network 192.168.0.0/24; encryption %s; }" % encryption)
        wait_until("up on a path that loses a third", lambda: m.count("vpn.up") >= 1 and f.count("vpn.up") >= 1, 120)
        wait_until("packets pass", lambda: f.reaches("192.168.0.1"), 120)
        # A path that is only bad, not broken: a file comes whole.
        relay.loss = 0.02
        (m.dir / "file").write_bytes(bytes(range(256)) * 1024)
        web = subprocess.Popen(["ip", "netns", "exec", m.name, "/usr/bin/python3", "-m", "http.server", "--bind", "192.168.0.1",
                                "--directory", str(m.dir), "8000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        code = "import urllib.request,sys; sys.stdout.buffer.write(urllib.request.urlopen('http://192.168.0.1:8000/file').read())"
        try:
            def fetch():
                done = subprocess.run(["ip", "netns", "exec", f.name, "/usr/bin/python3", "-c", code], capture_output=True)
                return done.returncode == 0 and done.stdout == bytes(range(256)) * 1024
            wait_until("the file, whole", fetch, 120)
        finally:
            web.kill()
            web.wait()
        assert relay.lost and relay.doubled and relay.held
    finally:
        relay.stop()


def test_many_behind_one_address(tmp_path):
    """Four filiais behind a router that hides them: each has its own tunnel, and none ends another's."""
    sites = [Site(tmp_path, name) for name in ("m", "r", "1", "2", "3", "4")]
    m, r, filiais = sites[0], sites[1], sites[2:]
    try:
        m.ip("link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", r.name)
        m.ip("addr", "add", "192.0.2.1/24", "dev", "wan")
        r.ip("addr", "add", "192.0.2.2/24", "dev", "wan")
        m.ip("addr", "add", "192.168.0.1/24", "dev", "lo")
        for s in (m, r):
            s.ip("link", "set", "wan", "up")
        assert r.on("sysctl", "-qw", "net.ipv4.ip_forward=1").returncode == 0
        nat = 'table ip nat { chain out { type nat hook postrouting priority 100; oifname "wan" masquerade; }; }'
        assert r.on("nft", nat).returncode == 0
        for i, s in enumerate(filiais, 1):
            s.ip("link", "add", "wan", "type", "veth", "peer", "name", "lan%d" % i, "netns", r.name)
            r.ip("addr", "add", "172.16.%d.1/24" % i, "dev", "lan%d" % i)
            r.ip("link", "set", "lan%d" % i, "up")
            s.ip("addr", "add", "172.16.%d.2/24" % i, "dev", "wan")
            s.ip("link", "set", "wan", "up")
            s.ip("route", "add", "default", "via", "172.16.%d.1" % i)
        m.start("l2tp server { %s }\n" % SERVER + "".join("secret f%d segredo;\n" % i for i in range(1, 5)))
        for i, s in enumerate(filiais, 1):
            s.start("headquarters 192.0.2.1 { user f%d; password segredo; network 192.168.0.0/24; keepalive 1s; }" % i)
        wait_until("all are up", lambda: all(s.count("vpn.up") == 1 for s in filiais) and m.count("vpn.up") == 4)
        for s in filiais:
            wait_until("answers", lambda s=s: s.reaches("192.168.0.1"))
        # One leaves: the others do not notice.
        filiais[0].stop()
        wait_until("gone", lambda: m.count("vpn.down") == 1)
        for s in filiais[1:]:
            assert s.reaches("192.168.0.1") and s.count("vpn.down") == 0
    finally:
        for s in sites:
            s.stop()
            run("ip", "netns", "del", s.name)


def test_many_tunnels_of_one_pair(company):  # noqa: F811
    """Three users dialled by one process at one server: three tunnels between the same two addresses and ports."""
    m, f = company
    m.start("l2tp server { %s }\n" % SERVER + "".join("secret u%d segredo;\n" % i for i in range(3)))
    for i in range(3):
        m.ip("addr", "add", "192.168.10%d.1/24" % i, "dev", "lo")
    f.start("".join("headquarters 192.0.2.1 { user u%d; password segredo; network 192.168.10%d.0/24; interface hq%d; }\n" % (i, i, i)
                    for i in range(3)))
    connected(m, f, 3)
    for i in range(3):
        wait_until("answers by tunnel %d" % i, lambda i=i: f.reaches("192.168.10%d.1" % i))
        assert "dev hq%d" % i in f.ip("route", "get", "192.168.10%d.1" % i)
