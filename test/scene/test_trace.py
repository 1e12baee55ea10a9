"""`guarita fw trace`: the way of real packets through the rules in force, with the line of each rule."""
import os
import re
import signal
import subprocess
import time

import pytest

from conftest import ROOT, wait_until
from gate import GUARITA, Gate, bed, needs_bed  # noqa: F401 (bed is a fixture)

pytestmark = needs_bed


@pytest.fixture(scope="module")
def matriz(bed, tmp_path_factory):  # noqa: F811
    g = Gate(bed, "matriz", tmp_path_factory.mktemp("t"), (ROOT / "etc" / "matriz.conf").read_text()).start()
    www = bed.listen("www", 80)
    yield g
    www.kill()
    www.wait()
    g.close()


def trace(gate, *words):
    p = subprocess.Popen([GUARITA, "fw", "trace", *map(str, words), "--plain", "--control", gate.control],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert p.stdout.readline().startswith("Waiting for packets")
    return p


def line(gate, text):
    return 1 + next(i for i, l in enumerate(gate.config.read_text().splitlines()) if l.startswith(text))


def test_what_passes_is_told_with_its_lines_and_the_answer_too(bed, matriz):
    p = trace(matriz, "192.168.0.20", "192.0.2.80:80", "--packets", "2", "--for", "20s")
    assert bed.connect("mpc", "192.0.2.80", 80).startswith("hello")
    told = p.communicate(timeout=30)[0]
    assert p.returncode == 0
    first, second = re.split(r"(?m)^  2  ", told)
    assert re.search(r"^  1  TCP 192\.168\.0\.20:\d+ -> 192\.0\.2\.80:80 SYN, in by lan, 60 bytes$", first, re.M), told
    assert re.search(r"^     forward .*: allow  <- guarita.conf:%d \(allow\)$" % line(matriz, "allow lan to internet"), first, re.M), told
    assert re.search(r"^     srcnat .*masquerade  <- guarita.conf:%d" % line(matriz, "masquerade"), first, re.M), told
    # The answer comes to the translated address; it belongs to the same connection.
    assert re.search(r"^TCP 192\.0\.2\.80:80 -> 203\.0\.113\.10:\d+ SYN ACK, in by wan", second, re.M), told
    assert "(zone internet): answers" in second and "2 packets were seen.\n" in second
    assert "trace" not in matriz.nft("list", "table", "inet", "guarita")


def test_what_is_dropped_is_told_with_its_line(bed, matriz):
    p = trace(matriz, "192.168.0.0/24", "192.0.2.80", "--packets", "1")
    assert bed.connect("mpc", "192.0.2.80", 445, seconds=0.5) == "silent"
    told = p.communicate(timeout=30)[0]
    assert re.search(r"forward .*tcp 139,445.*: drop  <- guarita.conf:%d \(deny\)" % line(matriz, "deny lan"), told), told


def test_what_another_program_drops_is_told_as_such(bed, matriz):
    bed.run("matriz", "nft", "add table ip theirs; add chain ip theirs c { type filter hook forward priority -10; }; "
            "add rule ip theirs c tcp dport 8080 drop")
    try:
        p = trace(matriz, "192.168.0.20", "--packets", "1")
        assert bed.connect("mpc", "192.0.2.80", 8080, seconds=0.5) == "silent"
        assert re.search(r"dropped by rule \d+ of another program, table theirs, chain c\n", p.communicate(timeout=30)[0])
    finally:
        bed.run("matriz", "nft", "delete", "table", "ip", "theirs")


def test_a_banned_sender_and_a_ping_of_the_gateway(bed, matriz):
    assert matriz.ask(cmd="block", net="192.0.2.80", seconds=60, by="scene", reason="scene")[0]["type"] == "blocked"
    try:
        p = trace(matriz, "192.0.2.80", "203.0.113.10/icmp", "--packets", "1")
        bed.run("www", "ping", "-c1", "-W1", "203.0.113.10", check=False)
        told = p.communicate(timeout=30)[0]
        assert "ICMP 192.0.2.80 -> 203.0.113.10 type 8, in by wan" in told and "built in (ban): from a banned address" in told
        p = trace(matriz, "203.0.113.10", "198.51.100.30", "--packets", "1")
        bed.run("matriz", "ping", "-c1", "-W1", "198.51.100.30", check=False)
        assert "ICMP 203.0.113.10 -> 198.51.100.30 type 8, sent by this machine" in p.communicate(timeout=30)[0]
    finally:
        matriz.ask(cmd="unblock", net="192.0.2.80")


def test_a_trace_ends_in_time_by_itself(bed, matriz):
    began = time.monotonic()
    told = trace(matriz, "192.0.2.99", "--for", "1s").communicate(timeout=30)[0]
    assert "0 packets were seen" in told and time.monotonic() - began >= 1
    assert "trace" not in matriz.nft("list", "table", "inet", "guarita")


def test_a_new_trace_takes_the_place_of_one_that_was_left(bed, matriz):
    p = trace(matriz, "192.168.0.20")
    q = trace(matriz, "192.168.0.10", "--for", "1s")
    assert "another trace takes the place" in p.communicate(timeout=30)[0]
    assert "0 packets" in q.communicate(timeout=30)[0]
    p = trace(matriz, "192.168.0.20")
    p.kill()
    p.wait()
    assert trace(matriz, "192.0.2.99", "--for", "1s").communicate(timeout=30)[0]


def test_what_a_killed_netd_leaves_is_taken_away_at_the_next_start(bed, matriz):
    p = trace(matriz, "192.168.0.20", "--for", "50s")
    assert "g_trace_in" in matriz.nft("list", "table", "inet", "guarita")
    os.kill(matriz.roles()["netd"]["pid"], signal.SIGKILL)
    assert p.wait(timeout=30) == 1 and "the process ended" in p.stderr.read()
    wait_until("netd again", matriz.running)
    assert "g_trace" not in matriz.nft("list", "table", "inet", "guarita")


@pytest.mark.parametrize("words,want", [
    (("nonsense",), "neither an address nor a network"),
    (("192.0.2.1", "xyz"), "is no address, network or"),
    (("192.0.2.1", "2001:db8::1"), "same family"),
    (("192.0.2.1", "192.0.2.2:80/xyz"), "is no address, network or"),
    (("192.0.2.1", "--packets", "1000000"), "1 to 10000 packets"),
    (("192.0.2.1", "--for", "2h"), "1 to 3600 seconds"),
])
def test_what_cannot_be_traced_is_said(matriz, words, want):
    done = subprocess.run([GUARITA, "fw", "trace", *words, "--control", matriz.control], capture_output=True, text=True)
    assert done.returncode in (1, 2) and want in done.stderr, done
