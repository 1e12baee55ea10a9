"""netd's own messages make of the kernel what nft makes of the same rules in its language: both are listed and compared."""
import os
import re
import subprocess

import pytest

from company import sample
from conftest import BUILD, ROLES

TEXT = BUILD / "test" / "oracle" / "nft-text"
ORACLE = BUILD / "test" / "oracle" / "oracle"
NETD = ROLES / "netd"
POLICIES = int(os.environ.get("GUARITA_POLICIES", "8"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")

TWO = "interface wan { zone internet; address 203.0.113.10/24; mtu 1492; } interface lan { address 192.168.0.222/24; }\n"
WORDS = {
    "matriz": sample("matriz.conf"),
    "filial": sample("filial.conf"),
    "small": sample("filial-small.conf"),
    "names that begin alike": TWO + "interface ppp*, ppx0, tun9 { zone far; } interface pp { zone far; } allow far, lan to internet;",
    "observed": TWO + "p2p observe; allow lan to internet;",
    "slowed": TWO + "p2p block { encrypted slow; exempt 192.168.0.20, 2001:db8::/48; } allow lan to internet;",
    "refused": TWO + "p2p mark { encrypted block; } allow lan to internet; rule forward deny { mark p2p; }",
    "lists": TWO + "list knockers { timeout 10m; always 192.168.0.20, 192.168.1.0/24, 2001:db8:7::/61; }"
             "rule input count { in wan; service tcp/7000; remember knockers for 5m; }"
             "rule input allow { in wan; service tcp/22; source-list knockers; limit 10 per 1m; log; }",
    "marks, states, ports": TWO + "rule prerouting count { from lan; service sip; set-mark voice; } rule forward deny { mark voice; source-port 5, 10-20; }"
             "rule forward allow { state established; service tcp/1-3, tcp/4, tcp/9, udp/65535, icmp/3, icmp/8; source-port 1024-65535; }"
             "rule output reject { service tcp/25; limit 3 per 1d; } rule input reject { service udp/0-1; } rule input deny { state invalid; }",
    "nets": TWO + "network n 10.0.0.0/8, 10.1.0.0/16, 172.16.0.0/12, 10.128.0.0/9, 192.168.4.4, 192.168.4.0/24, 192.168.5.0/24, 2001:db8::/33, ::1,"
             " ff00::/8, 255.255.255.255; allow n to internet; deny 128.0.0.0/1 to lan; deny 0.0.0.0/0 to n; allow 10.0.0.0/15 to 172.16.0.0/20;",
    "translated": TWO + "forward tcp/8080-8081, udp/53 from internet to 192.168.0.10 port 80; masquerade lan to internet; masquerade 192.168.0.0/25 to internet"
             " { as 203.0.113.9; } forward http from internet to 2001:db8::80 port 8000; masquerade 2001:db8:9::/48 to internet { as 2001:db8::1; }",
    "floods dropped": TWO + "gateway { syn-proxy no; syn-source 7; anti-spoofing loose; ping no; log no; unzoned reject; } allow internet to gateway ssh;",
}


@pytest.fixture(scope="module")
def namespace():
    name = "gnft%d" % os.getpid()
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def listed(namespace, *words, text=None):
    """What the kernel has when it was told so, without the numbers of sets that have no name."""
    inside = ["ip", "netns", "exec", namespace]
    subprocess.run([*inside, "nft", "flush", "ruleset"], check=True)
    done = subprocess.run([*inside, *map(str, words)], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return subprocess.run([*inside, "nft", "list", "ruleset"], check=True, capture_output=True, text=True).stdout.splitlines()


def compare(namespace, folder, config, rules):
    path = folder / "guarita.conf"
    path.write_text("state-dir %s; run-dir %s;\n" % (folder, folder) + config)
    # Sets are listed as they are: nothing of theirs may differ either.
    theirs, ours = listed(namespace, "nft", "-f", "-", text=rules), listed(namespace, NETD, "--config", path, "--once")
    assert len(ours) > 100 and ours == theirs


@pytest.mark.parametrize("which", WORDS)
def test_words(namespace, tmp_path, which):
    config = re.sub(r"^include .*\n", "", WORDS[which], flags=re.M)
    rules = subprocess.run([TEXT], input=config, capture_output=True, text=True)
    assert rules.returncode == 0, rules.stderr
    compare(namespace, tmp_path, config, rules.stdout)


@pytest.mark.parametrize("number", range(POLICIES))
def test_random_policies(namespace, tmp_path, number):
    out = subprocess.run([ORACLE, str(number), "1"], capture_output=True, check=True).stdout
    parts = []
    for _ in range(2):
        head, out = out.split(b"\n", 1)
        n = int(head.split()[1])
        parts.append(out[:n].decode())
        out = out[n:]
    compare(namespace, tmp_path, *parts)
