"""Our evaluator and the kernel say the same of random packets under random policies.

The kernel is the judge: each policy is loaded into a network namespace of its own, every packet is really sent, and
what comes out where, or arrives, is compared with what test/oracle/oracle.c wrote down before.

GUARITA_ORACLE="policies packets" asks for more than the usual few.
"""
import ctypes
import os
import select
import socket
import subprocess
import time

import pytest

from conftest import BUILD

ORACLE = BUILD / "test" / "oracle" / "oracle"
POLICIES, PACKETS = map(int, os.environ.get("GUARITA_ORACLE", "12 300").split())
CLONE_NEWNET = 0x40000000
IFACES = {"wan": ["203.0.113.10/24", "2001:db8:ffff::10/64"], "lan": ["192.168.0.222/24", "2001:db8:10::222/64"],
          "dmz": ["10.1.1.1/24", "2001:db8:11::1/64"], "vpn0": []}
NEIGHBOURS = {
    "wan": ["203.0.113.1", "203.0.113.7", "2001:db8:ffff::1", "2001:db8:ffff::7"],
    "lan": ["192.168.0.%d" % n for n in (10, 11, 12, 13, 200)] + ["2001:db8:10::%x" % n for n in (1, 2, 0x99)],
    "dmz": ["10.1.1.%d" % n for n in (3, 10, 100, 101, 102)] + ["2001:db8:11::%x" % n for n in (2, 3, 4)],
    "vpn0": ["192.168.30.%d" % n for n in range(10, 17)] + ["172.31.30.2"],
}
SETTINGS = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, "net.ipv4.conf.all.rp_filter": 0,
            "net.ipv4.conf.default.rp_filter": 0, "net.ipv4.icmp_echo_ignore_all": 1, "net.ipv6.icmp.echo_ignore_all": 1,
            "net.ipv4.conf.all.send_redirects": 0, "net.ipv4.conf.default.send_redirects": 0}
PEER_MAC = "02:00:00:00:00:99"
libc = ctypes.CDLL(None, use_errno=True)


def run(*words, **how):
    done = subprocess.run(words, capture_output=True, text=True, **how)
    assert done.returncode == 0, "%s: %s" % (" ".join(words), done.stderr[:2000])
    return done.stdout


def in_namespace(name, make):
    """A thing made in a namespace stays there; this thread comes back."""
    with open("/proc/self/ns/net") as home, open("/run/netns/" + name) as there:
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0
        try:
            return make()
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0


class Bed:
    """A gateway, and around it one namespace with the far end of every wire."""

    def __init__(self, number):
        self.gate, self.peer = "gor%d-%d" % (os.getpid(), number), "por%d-%d" % (os.getpid(), number)
        for name in (self.gate, self.peer):
            run("ip", "netns", "add", name)
        batch = []
        for key, value in SETTINGS.items():
            run("ip", "netns", "exec", self.gate, "sysctl", "-qw", "%s=%d" % (key, value))
        run("ip", "-n", self.gate, "link", "set", "lo", "up")
        for iface, addresses in IFACES.items():
            run("ip", "-n", self.gate, "link", "add", iface, "type", "veth", "peer", "name", iface, "netns", self.peer)
            run("ip", "netns", "exec", self.peer, "sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % iface)
            run("ip", "-n", self.peer, "link", "set", iface, "arp", "off", "up")
            batch += ["link set %s up" % iface]
            batch += ["addr add %s dev %s%s" % (a, iface, " nodad" if ":" in a else "") for a in addresses]
            batch += ["neigh replace %s lladdr %s nud permanent dev %s" % (a, PEER_MAC, iface)
                      for a in NEIGHBOURS[iface]]
        batch += ["route add default via 203.0.113.1", "route add ::/0 via 2001:db8:ffff::1",
                  "route add 192.168.30.0/24 dev vpn0", "route add 172.31.30.0/30 dev vpn0"]
        run("ip", "-n", self.gate, "-b", "-", input="\n".join(batch) + "\n")
        self.macs = {i: bytes.fromhex(run("ip", "netns", "exec", self.gate, "cat", "/sys/class/net/%s/address" % i)
                                      .strip().replace(":", "")) for i in IFACES}
        self.wires = in_namespace(self.peer, lambda: {i: self.wire(i) for i in IFACES})
        self.ears = in_namespace(self.gate, lambda: [self.ear(f, p) for f, p in (
            (socket.AF_INET, socket.IPPROTO_TCP), (socket.AF_INET, socket.IPPROTO_UDP),
            (socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET6, socket.IPPROTO_TCP),
            (socket.AF_INET6, socket.IPPROTO_UDP), (socket.AF_INET6, socket.IPPROTO_ICMPV6))])

    @staticmethod
    def wire(iface):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((iface, 3))
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)         # SO_RCVBUFFORCE
        s.setblocking(False)
        return s

    @staticmethod
    def ear(family, protocol):
        s = socket.socket(family, socket.SOCK_RAW, protocol)
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
        s.setblocking(False)
        return s

    def load(self, rules, elements):
        run("ip", "netns", "exec", self.gate, "nft", "-f", "-", input=rules + "".join(
            "add element inet guarita %s { %s }\n" % e for e in elements))

    def send(self, iface, packet):
        kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
        self.wires[iface].send(self.macs[iface] + bytes.fromhex(PEER_MAC.replace(":", "")) + kind + packet)

    def heard(self, results):
        """What came out of the wires, and what arrived at the machine itself, by the number in its tail."""
        for iface, s in self.wires.items():
            while frame := receive(s):
                if frame[6:12] == self.macs[iface]:
                    note(results, frame[14:], ("pass", iface))
        for s in self.ears:
            while data := receive(s):
                results.setdefault(int.from_bytes(data[-8:], "little"), ("here", "-", None, None))

    def close(self):
        for s in [*self.wires.values(), *self.ears]:
            s.close()
        for name in (self.gate, self.peer):
            run("ip", "netns", "del", name)


def receive(s):
    try:
        return s.recv(4096)
    except BlockingIOError:
        return None


def note(results, ip, what):
    if ip[0] >> 4 == 4:
        length, protocol, first = int.from_bytes(ip[2:4], "big"), ip[9], ip[(ip[0] & 15) * 4]
        src, dst = socket.inet_ntop(socket.AF_INET, ip[12:16]), socket.inet_ntop(socket.AF_INET, ip[16:20])
    else:
        length, protocol, first = 40 + int.from_bytes(ip[4:6], "big"), ip[6], ip[40]
        src, dst = socket.inet_ntop(socket.AF_INET6, ip[8:24]), socket.inet_ntop(socket.AF_INET6, ip[24:40])
    # Errors and resets of the gateway quote what they answer to.
    if (protocol == 1 and first == 3) or (protocol == 58 and first in (1, 135, 136, 143)) or protocol not in (1, 6, 17, 58):
        return
    results[int.from_bytes(ip[length - 8:length], "little")] = what + (src, dst)


def oracle(number):
    out = subprocess.run([ORACLE, str(number), str(PACKETS)], capture_output=True, check=True).stdout
    parts = []
    for word in (b"config ", b"rules "):
        assert out.startswith(word)
        head, out = out.split(b"\n", 1)
        n = int(head.split()[1])
        parts.append(out[:n].decode())
        out = out[n:]
    elements, packets = [], []
    for line in out.decode().splitlines():
        words = line.split()
        if words[0] == "element":
            elements.append((words[1], words[2]))
        elif words[0] == "packet":
            packets.append((words[1], bytes.fromhex(words[2]), words[3], words[4], words[5], words[6]))
    return parts[0], parts[1], elements, packets


def settle(bed, results, last):
    """Until the last packet's fate is told, or nothing has come for long."""
    end = time.monotonic() + 0.3
    while last not in results and time.monotonic() < end:
        select.select([*bed.wires.values(), *bed.ears], [], [], 0.02)
        bed.heard(results)
    bed.heard(results)


def differences(bed, packets):
    results, wrong, own = {}, [], {a.split("/")[0] for l in IFACES.values() for a in l}
    for i, (iface, packet, *_) in enumerate(packets):
        bed.send(iface, packet)
        if i % 50 == 49:
            bed.heard(results)
    settle(bed, results, int.from_bytes(packets[-1][1][-8:], "little"))
    for iface, packet, verdict, out, src, dst in packets:
        got = results.get(int.from_bytes(packet[-8:], "little"), ("none", "-", None, None))
        same = got[0] == verdict
        if same and verdict == "pass":
            same = got[1] == out and got[3] == dst and (got[2] in own if src == "masq" else got[2] == src)
        if not same:
            wrong.append((iface, packet.hex(), "evaluator: %s %s %s %s" % (verdict, out, src, dst), "kernel: %s %s %s %s" % got))
    return wrong


@pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces")
def test_the_kernel_agrees():
    asked = passed = 0
    bed = None
    for number in range(1, POLICIES + 1):
        if bed is None:
            bed = Bed(number)
        try:
            config, rules, elements, packets = oracle(number)
            bed.load(rules, elements)
            wrong = differences(bed, packets)
            asked += len(packets)
            passed += sum(p[2] != "none" for p in packets)
            assert not wrong, "policy %d: %d of %d differ, the first:\n%s\n%s" % (
                number, len(wrong), len(packets), "\n".join(map(str, wrong[:3])), config)
        finally:
            # Connections of one policy must not be known to the next.
            bed.close()
            bed = None
    print("%d packets under %d policies, %d of them let through: no difference" % (asked, POLICIES, passed))
    assert asked >= POLICIES * PACKETS and passed > asked // 10
