"""Floods of connections that begin and never go on, against what the matriz publishes: who is real gets on all the same.

The flood is real: raw SYNs from a host of the internet, in random names that nobody answers for, ten thousand a second. More
would fill the queues between the namespaces, which all hosts of the bed share, before it fills anything of the gate.
"""
import json
import re

import pytest

from company import sample
from conftest import wait_until
from gate import Gate, bed, needs_bed  # noqa: F401 (bed is a fixture)

pytestmark = needs_bed

FLOOD = """
import random, socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
to, port, own = sys.argv[1], int(sys.argv[2]), sys.argv[3]
dst = socket.inet_aton(to)
def checksum(b):
    t = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    t = (t >> 16) + (t & 0xffff)
    return ~(t + (t >> 16)) & 0xffff
def syn():
    src = socket.inet_aton(own) if own != "-" else bytes([198, random.choice((18, 19)), random.randrange(256), random.randrange(1, 255)])
    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), port, random.getrandbits(32), 0, 5 << 4, 2, 64240, 0, 0)
    sum_ = checksum(src + dst + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, random.getrandbits(16), 0, 64, 6, 0) + src + dst
    return ip + tcp[:16] + struct.pack("!H", sum_) + tcp[18:]
packets = [syn() for _ in range(5000)]
print("flooding", flush=True)
while True:
    for i, p in enumerate(packets):
        try:
            s.sendto(p, (to, 0))
        except OSError:
            pass
        if i % 100 == 99:
            time.sleep(0.01)
"""
WAN = "203.0.113.10"
LIMITS = "gateway { syn-source %d; syn-total %d; syn-proxy %s; }\n"
MORE = "allow internet to gateway tcp/4448;\n"


@pytest.fixture(scope="module")
def matriz(bed, tmp_path_factory):
    text = sample("matriz.conf").replace("deny lan, vpn to internet netbios;", "deny 192.0.2.200 to lan http;\ndeny lan, vpn to internet netbios;")
    g = Gate(bed, "matriz", tmp_path_factory.mktemp("s") / "m", LIMITS % (0, 100, "yes") + text + MORE)
    servers = [bed.listen("msrv", 80), bed.listen("matriz", 4448), bed.listen("matriz", 4449)]
    g.start()
    yield g
    g.close()
    for p in servers:
        p.kill()
        p.wait()


class Flood:
    def __init__(self, bed, port, own="-"):
        self.p = bed.popen("atk", "/usr/bin/python3", "-c", FLOOD, WAN, str(port), own)
        assert self.p.stdout.readline() == "flooding\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()


def limits(gate, source, total, proxy="yes"):
    first, rest = gate.config.read_text().split("gateway {", 1)
    gate.config.write_text(first + LIMITS % (source, total, proxy) + rest.split("\n", 1)[1])
    done = gate.once()
    assert done.returncode == 0, done.stderr


def packets(gate, chain, text):
    """What rules of the chain met, by the counters in the kernel: what runs may be another configuration than the daemon's."""
    counters = dict(re.findall(r"counter (c[0-9a-f]+) {\s+packets (\d+)", gate.nft("list", "counters", "table", "inet", "guarita")))
    rules = gate.nft("list", "chain", "inet", "guarita", chain).splitlines()
    return sum(int(counters[re.search(r'counter name "(\w+)"', r).group(1)]) for r in rules if text in r and "counter name" in r)


def half_open(bed):
    return sum(state in line for line in bed.run("matriz", "conntrack", "-L", "-p", "tcp", check=False).stdout.splitlines()
               for state in ("SYN_SENT", "SYN_RECV"))


@pytest.mark.parametrize("port,who", [(80, "a port that leads inside"), (4448, "a service of the gateway")])
def test_in_a_flood_of_forged_names_a_client_still_connects(bed, matriz, port, who):
    limits(matriz, 0, 100)
    with Flood(bed, port):
        wait_until("more than the rate", lambda: packets(matriz, "g_raw", "notrack") > 1000)
        said = [bed.connect("www", WAN, port, seconds=5) for _ in range(10)]
        assert said == ["hello 192.0.2.80"] * 10, who
    # What was kept of the forged ones is what the rate lets begin, while the flood lasted, and no more.
    assert half_open(bed) < packets(matriz, "g_raw", "notrack") // 2
    bed.run("matriz", "conntrack", "-F", check=False)


def test_without_cookies_the_rate_is_all_there_is(bed, matriz):
    """What makes the difference in the scene above."""
    limits(matriz, 0, 10, "no")
    with Flood(bed, 80):
        wait_until("more than the rate", lambda: packets(matriz, "g_raw", "drop") > 1000)
        said = [bed.connect("www", WAN, 80, seconds=0.5) for _ in range(10)]
    assert "silent" in said
    bed.run("matriz", "conntrack", "-F", check=False)
    wait_until("a client again", lambda: bed.connect("www", WAN, 80).startswith("hello"))


def test_a_flood_opens_nothing_that_is_shut(bed, matriz):
    """Neither a port that nobody published, nor one to who is refused: each answered with a cookie, if it were asked."""
    limits(matriz, 0, 100)
    with Flood(bed, 80):
        before = packets(matriz, "g_raw", "notrack")
        wait_until("more than the rate", lambda: packets(matriz, "g_raw", "notrack") > before + 1000)
        assert bed.connect("www", WAN, 4449, seconds=1) == "silent"
        assert bed.connect("atk", WAN, 80, seconds=1) != "hello 192.0.2.200"
        assert bed.connect("www", WAN, 80, seconds=5) == "hello 192.0.2.80"
    bed.run("matriz", "conntrack", "-F", check=False)


def test_one_sender_is_held_to_its_own_rate(bed, matriz):
    limits(matriz, 20, 0)
    with Flood(bed, 80, "192.0.2.201"):
        before = packets(matriz, "g_raw", "drop")
        wait_until("drops", lambda: packets(matriz, "g_raw", "drop") > before + 1000)
        assert [bed.connect("www", WAN, 80) for _ in range(5)] == ["hello 192.0.2.80"] * 5
    bed.run("matriz", "conntrack", "-F", check=False)


def test_the_watch_hears_of_it(bed, matriz):
    """By whom it is aimed at: who it says it is from is forged."""
    limits(matriz, 0, 100)
    told = matriz.dir / "state" / "incidents.jsonl"
    with Flood(bed, 80):
        wait_until("the incident", lambda: told.exists() and any(
            i.get("incident") == "dos.syn_flood" and i["dst"] == WAN for i in map(json.loads, told.read_text().splitlines())))
