"""Every way in: what is sent is what arrives, counted to the line."""
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from conftest import ROLES, RULES, probe, stamp, wait_until


def archive_lines(guarita):
    files = sorted((guarita.dir / "archive").glob("guarita-*"))
    return b"".join(f.read_bytes() for f in files).splitlines()


def test_udp(guarita):
    guarita.start()
    guarita.send_udp(*("<38>" + probe(i) for i in range(500)))
    guarita.wait_lines(500, "intaked")
    guarita.wait_lines(500)
    assert {i["src"] for i in guarita.wait_incidents(500)} == {"198.51.%d.%d" % (i // 250, i % 250 + 1) for i in range(500)}


@pytest.mark.parametrize("way", ["octets", "octets and ends", "lines", "NULs"])
def test_tcp_framing_is_recognised(guarita, way):
    guarita.write_config("archive %s/archive;" % guarita.dir)
    guarita.start()
    sent = [("<38>" + probe(i)).encode() for i in range(300)]
    frame = {"octets": lambda l: b"%d %s" % (len(l), l), "octets and ends": lambda l: b"%d %s\n" % (len(l) + 1, l),
             "lines": lambda l: l + b"\n", "NULs": lambda l: l + b"\0"}[way]
    stream = b"".join(map(frame, sent))
    with socket.create_connection(("127.0.0.1", guarita.tcp)) as s:
        # In pieces that have nothing to do with the lines.
        for at in range(0, len(stream), 177):
            s.sendall(stream[at:at + 177])
    guarita.wait_lines(300)
    guarita.wait_incidents(300)
    assert archive_lines(guarita) == sent


def test_tcp_count_that_is_none_is_counted_and_outlived(guarita):
    guarita.start()
    good = ("<38>" + probe(1)).encode(), ("<38>" + probe(2)).encode()
    with socket.create_connection(("127.0.0.1", guarita.tcp)) as s:
        s.sendall(b"%d %sno count here\n%d %s" % (len(good[0]), good[0], len(good[1]), good[1]))
    guarita.wait_incidents(2)
    guarita.wait_lines(3)
    (tcp,) = [s for s in guarita.roles()["intaked"]["status"]["sources"] if s["name"].startswith("tcp")]
    assert tcp["broken"] == 1


def test_tcp_last_line_without_an_end(guarita):
    guarita.start()
    with socket.create_connection(("127.0.0.1", guarita.tcp)) as s:
        s.sendall(("<38>" + probe(1)).encode())
    guarita.wait_incidents(1)


def test_many_tcp_clients_at_once(guarita):
    guarita.start()
    clients = [socket.create_connection(("127.0.0.1", guarita.tcp)) for _ in range(50)]
    for k in range(10):
        for i, c in enumerate(clients):
            c.sendall(("<38>" + probe(i * 10 + k) + "\n").encode())
    for c in clients:
        c.close()
    guarita.wait_lines(500)
    guarita.wait_incidents(500)


def test_unix_socket(guarita):
    guarita.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(str(guarita.socket))
        for i in range(200):
            s.send(("<38>" + probe(i)).encode())
    guarita.wait_lines(200)
    guarita.wait_incidents(200)


def test_logger_of_the_system(guarita):
    """util-linux's own client, over the socket as over /dev/log."""
    guarita.start()
    subprocess.run(["logger", "-u", guarita.socket, "-t", "probe", "probe from 198.51.3.3"], check=True)
    subprocess.run(["logger", "-n", "127.0.0.1", "-P", str(guarita.udp), "-d", "--rfc5424", "-t", "probe",
                    "probe from 198.51.3.4"], check=True)
    subprocess.run(["logger", "-n", "127.0.0.1", "-P", str(guarita.tcp), "-T", "--octet-count", "-t", "probe",
                    "probe from 198.51.3.5"], check=True)
    assert {i["src"] for i in guarita.wait_incidents(3)} == {"198.51.3.3", "198.51.3.4", "198.51.3.5"}


def test_file_with_rotation(guarita):
    guarita.append("a.log", *map(probe, range(100)))
    guarita.start()
    guarita.wait_lines(100)
    guarita.append("a.log", *map(probe, range(100, 150)))
    os.rename(guarita.logs / "a.log", guarita.logs / "a.log.1")
    guarita.append("a.log", *map(probe, range(150, 250)))
    found = guarita.wait_incidents(250)
    # The proof says where the line stands.
    one = next(i for i in found if i["src"] == "198.51.0.121")
    assert one["lines"][0]["file"].endswith("/a.log") and one["lines"][0]["line"] == 121
    # That a file was replaced is a record too.
    guarita.wait_lines(251)


def test_file_in_utf16_grows_as_windows_writes_it(guarita):
    """With its mark only at the beginning, cut within characters; what is kept is UTF-8, and places are those of the file."""
    wide = "".join(probe(i) + "\r\nação 😀\r\n" for i in range(40)).encode("utf-16-le")
    path = guarita.logs / "events.log"
    path.write_bytes(b"\xff\xfe" + wide[:777])
    guarita.start()
    for at in range(777, len(wide), 501):
        with open(path, "ab") as f:
            f.write(wide[at:at + 501])
    found = guarita.wait_incidents(40)
    assert sorted(i["lines"][0]["line"] for i in found) == list(range(1, 80, 2))
    text = wide.decode("utf-16-le").split("\r\n")
    assert all(i["lines"][0]["text"] == text[i["lines"][0]["line"] - 1] for i in found)


def test_file_shrunk_is_told(guarita):
    guarita.write_config("archive %s/archive;" % guarita.dir)
    guarita.append("a.log", *map(probe, range(10)))
    guarita.start()
    guarita.wait_lines(10)
    os.truncate(guarita.logs / "a.log", 0)
    told = wait_until("the event", lambda: [l for l in archive_lines(guarita) if b"log.shrunk" in l])
    assert b"a.log" in told[0] and b" guarita " in told[0] and b"now=0" in told[0]


def test_standard_input(guarita):
    guarita.write_config(sources="stdin;\n")
    reading, writing = os.pipe()
    guarita.start(stdin=reading)
    os.close(reading)
    with os.fdopen(writing, "w") as f:
        f.write("".join(probe(i) + "\n" for i in range(50)))
    guarita.wait_incidents(50)


def test_journal_export_stream(guarita):
    pipe = guarita.dir / "journal"
    os.mkfifo(pipe)
    guarita.write_config(sources="journal %s;\n" % pipe)
    guarita.start()
    with open(pipe, "wb") as f:
        for i in range(3):
            f.write(b"__REALTIME_TIMESTAMP=1762000000000000\n_HOSTNAME=gate\nSYSLOG_IDENTIFIER=probe\n_PID=7\n")
            text = b"probe from 198.51.7.%d" % (i + 1)
            if i == 1:
                f.write(b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n\n")
            else:
                f.write(b"MESSAGE=" + text + b"\n\n")
    assert {i["src"] for i in guarita.wait_incidents(3)} == {"198.51.7.1", "198.51.7.2", "198.51.7.3"}


def test_a_line_of_a_megabyte(guarita):
    guarita.write_config("archive %s/archive;\nlimits { max-line 2M; }" % guarita.dir)
    guarita.start()
    long = b"<38>Nov 21 10:00:00 gate app: " + b"x" * 1000000
    with socket.create_connection(("127.0.0.1", guarita.tcp)) as s:
        s.sendall(long + b"\n" + ("<38>" + probe(1) + "\n").encode())
    guarita.append("long.log", long.decode(), probe(2))
    guarita.wait_incidents(2)
    guarita.wait_lines(4)
    assert long in archive_lines(guarita)
    assert guarita.roles()["watchd"]["status"]["cut"] == 0


def test_a_line_too_long_is_cut_and_counted(guarita):
    guarita.write_config("archive %s/archive;\nlimits { max-line 1000; }" % guarita.dir)
    guarita.start()
    long = b"<38>" + b"y" * 5000
    with socket.create_connection(("127.0.0.1", guarita.tcp)) as s:
        s.sendall(long + b"\n" + ("<38>" + probe(1) + "\n").encode())
    guarita.wait_incidents(1)
    guarita.wait_lines(2)
    assert archive_lines(guarita)[0] == long[:1000]
    assert guarita.roles()["watchd"]["status"]["cut"] == 1


def test_line_feed_inside_a_datagram_forges_no_archive_line(guarita):
    guarita.write_config("archive %s/archive;" % guarita.dir)
    guarita.start()
    guarita.send_udp(b"<38>one\n<38>forged")
    guarita.wait_lines(1)
    assert archive_lines(guarita) == [b"<38>one#012<38>forged"]


def test_drops_of_the_kernel_are_counted(guarita):
    """A receive buffer that is too small, and a reader that is stopped: what is lost is known to the datagram."""
    guarita.write_config(sources="udp 127.0.0.1:%d { buffer 64K; }\n" % guarita.udp)
    guarita.start()
    pid = guarita.roles()["intaked"]["pid"]
    os.kill(pid, 19)
    try:
        guarita.send_udp(*(b"<38>" + b"z" * 1000 for _ in range(2000)))
    finally:
        os.kill(pid, 18)

    def counted():
        status = guarita.roles()["intaked"]["status"]
        feeds = {f["name"]: f["lines"] for f in status["feeds"]}
        got, lost = feeds.get("udp 127.0.0.1", 0), status["sources"][0]["dropped"]
        return (got, lost) if got + lost >= 2000 else None
    got, lost = wait_until("all accounted for", counted)
    assert got + lost == 2000 and lost > 0


def test_intaked_by_hand(guarita):
    """Without a supervisor: lines go to the archive, and the end of standard input is the end."""
    guarita.write_config("archive %s/archive;" % guarita.dir, sources="stdin;\n")
    run = subprocess.run([ROLES / "intaked", "--config", guarita.config], input=b"one\ntwo\nthree", timeout=60,
                         stderr=subprocess.PIPE)
    assert run.returncode == 0, run.stderr
    assert archive_lines(guarita) == [b"one", b"two", b"three"]


def test_silence_is_told(guarita):
    guarita.write_config("archive %s/archive;" % guarita.dir,
                         sources="udp 127.0.0.1:%d { silence 10s; }\n" % guarita.udp)
    guarita.start()
    told = wait_until("the event", lambda: [l for l in archive_lines(guarita) if b"log.silent" in l])
    assert b"udp" in told[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to own a file of root")
def test_reads_what_only_root_may(guarita):
    path = guarita.logs / "secret.log"
    path.write_text(probe(9) + "\n")
    path.chmod(0o600)
    guarita.start()
    guarita.wait_incidents(1)
    assert Path("/proc/%d/status" % guarita.roles()["intaked"]["pid"]).read_text().find("CapEff:\t0000000000000004") > 0


OWN = """
decoder own {
    program guarita;
    line log.shrunk 'log.shrunk file=<file:quoted> was=<was:int> now=<now:int>';
    line log.time_jump 'log.time_jump file=<file:quoted> from=<from:word> to=<to:word>';
    sample 'log.shrunk file="/var/log/a" was=10 now=0' is log.shrunk;
    sample 'log.time_jump file="/var/log/a" from=2026-01-01T00:00:00Z to=2026-01-01T02:00:00Z' is log.time_jump;
}
rule own { each log.shrunk, log.time_jump by host; open log.tampered; say "{kind}"; }
"""


def test_own_events_are_records_like_others(guarita):
    """A clock set back and a file cut short are seen by the rules."""
    guarita.write_rules(RULES + OWN)
    hours_ago = time.strftime("%b %e %H:%M:%S", time.gmtime(time.time() - 2 * 3600))
    guarita.start()
    guarita.append("a.log", "%s gate app: one" % stamp(), "%s gate app: two" % hours_ago)
    told = guarita.wait_incidents(1)[0]
    assert "log.time_jump" in told["lines"][0]["text"] and "a.log" in told["lines"][0]["text"]
    assert told["lines"][0]["file"] == "watchd"
    os.truncate(guarita.logs / "a.log", 0)
    wait_until("the cut is told", lambda: "log.shrunk" in json.dumps(guarita.incidents() + guarita.incidents("closed"))
               or guarita.lines() == 4)
    guarita.wait_lines(4)
    assert guarita.roles()["watchd"]["status"]["undecoded"] == 2
