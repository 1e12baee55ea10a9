"""rsyslog as a sender and as a receiver: what most machines have. It is not needed to build or to test anything else.

Debian's package and syslog-ng's exclude each other: GUARITA_RSYSLOG may name a folder into which the packages rsyslog and
rsyslog-gnutls were unpacked (dpkg -x).
"""
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import free_port, stamp, wait_until
from test_copies import entries, numbered, vault
from test_relay import found, started, target
from test_tls import Authority, alone, feeds

PLACE = os.environ.get("GUARITA_RSYSLOG", "")
RSYSLOGD = shutil.which("rsyslogd", path=(PLACE + "/usr/sbin:" if PLACE else "") + "/usr/sbin:/usr/bin")
MODULES = next(iter((Path(PLACE or "/") / "usr" / "lib").glob("*/rsyslog/lmnet.so")), None)
GTLS = MODULES and (MODULES.parent / "lmnsd_gtls.so").exists()

pytestmark = pytest.mark.skipif(not RSYSLOGD or not MODULES, reason="needs rsyslogd")
needs_gtls = pytest.mark.skipif(not GTLS, reason="needs rsyslog-gnutls")


class Rsyslog:
    """One rsyslogd of its own: takes what comes at `tcp`, does what `actions` say."""

    def __init__(self, folder, text, tcp=None):
        self.dir, self.tcp, self.process = folder, tcp or free_port(socket.SOCK_STREAM), None
        folder.mkdir(exist_ok=True)
        (folder / "rsyslog.conf").write_text('global(workDirectory="%s" maxMessageSize="64k")\n%s' % (folder, text.replace("@TCP@", str(self.tcp))))

    def start(self):
        self.process = subprocess.Popen([RSYSLOGD, "-n", "-f", self.dir / "rsyslog.conf", "-i", self.dir / "pid", "-M", MODULES.parent],
                                        stdout=subprocess.DEVNULL, stderr=open(self.dir / "err", "ab"))
        wait_until("rsyslogd listens", self.up)
        return self

    def up(self):
        assert self.process.poll() is None, (self.dir / "err").read_text()
        with socket.create_connection(("127.0.0.1", self.tcp), 1):
            return True

    def send(self, *lines):
        with socket.create_connection(("127.0.0.1", self.tcp)) as s:
            s.sendall("".join(line + "\n" for line in lines).encode())

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def lines(self, name="got.log"):
        path = self.dir / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def rsyslog(tmp_path):
    made = []

    def make(text, **more):
        made.append(Rsyslog(tmp_path / ("rsyslog%d" % len(made)), text, **more))
        return made[-1]
    yield make
    for r in made:
        r.kill()


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    a = Authority(tmp_path_factory.mktemp("rsyslog") / "ca")
    for name in ("localhost", "web1.example.com"):
        a.sign(name)
    return a


# What it sends to us.

SENDER = 'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="@TCP@")\n%s'
FORWARD = '*.* action(type="omfwd" target="127.0.0.1" port="%d" protocol="%s" %s action.resumeInterval="1" action.resumeRetryCount="-1")\n'


def lines_of(n, first=0):
    return ["<13>%s web1 test: many number=%d of rsyslog" % (stamp(), i) for i in range(first, first + n)]


def texts(g):
    """What stands in the vault of the lines that we sent."""
    return [e["raw"] for e in entries(g, "number=")]


@pytest.mark.parametrize("how", ["line", "octet-counted"])
def test_rsyslog_sends_a_stream(guarita, rsyslog, how):
    guarita.write_config(vault(guarita))
    guarita.start()
    r = rsyslog(SENDER % FORWARD % (guarita.tcp, "tcp", "" if how == "line" else 'TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"')).start()
    r.send(*lines_of(500))
    wait_until("500 lines", lambda: feeds(guarita).get("tcp 127.0.0.1") == 500)
    raw = texts(guarita)
    assert found(raw) == list(range(500))
    # What it makes of the head is its own affair; that it was counted or not leaves no trace.
    assert all(line.startswith("<13>") and line.endswith("of rsyslog") for line in raw)
    assert all(line.startswith("<13>1 ") for line in raw) == (how == "octet-counted")


def test_rsyslog_sends_datagrams(guarita, rsyslog):
    guarita.write_config(vault(guarita))
    guarita.start()
    r = rsyslog(SENDER % FORWARD % (guarita.udp, "udp", "")).start()
    r.send(*lines_of(100))
    wait_until("100 lines", lambda: feeds(guarita).get("udp 127.0.0.1") == 100)
    assert sorted(found(texts(guarita))) == list(range(100))


def tls_sender(guarita, rsyslog, ca, sender, certificate, key):
    guarita.tls = free_port(socket.SOCK_STREAM)
    guarita.write_config('%stls 127.0.0.1:%d { certificate "%s"; key "%s"; %s }\n' % (
        vault(guarita), guarita.tls, ca["localhost.pem"], ca["localhost.key"], sender))
    guarita.start()
    files = 'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="%s" defaultNetstreamDriverCertFile="%s" defaultNetstreamDriverKeyFile="%s")\n' % (
        ca["ca.pem"], certificate, key)
    plain = SENDER.replace('imtcp")\n', 'imtcp" StreamDriver.Name="ptcp")\n', 1)
    return rsyslog(files + plain % FORWARD % (
        guarita.tls, "tcp", 'StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" '
        'StreamDriverPermittedPeers="localhost" TCP_Framing="octet-counted"')).start()


@needs_gtls
def test_rsyslog_sends_over_tls(guarita, rsyslog, ca):
    r = tls_sender(guarita, rsyslog, ca, 'authority "%s"; senders web1.example.com;' % ca["ca.pem"], ca["web1.example.com.pem"], ca["web1.example.com.key"])
    r.send(*lines_of(300))
    wait_until("300 lines", lambda: feeds(guarita).get("tls 127.0.0.1 web1.example.com") == 300)
    assert found(texts(guarita)) == list(range(300))


@needs_gtls
def test_rsyslog_with_a_certificate_of_its_own(guarita, rsyslog, ca, tmp_path):
    mark = alone(tmp_path, "web1")
    r = tls_sender(guarita, rsyslog, ca, 'sender web1 "%s";' % mark, tmp_path / "web1.pem", tmp_path / "web1.key")
    r.send(*lines_of(300))
    wait_until("300 lines", lambda: feeds(guarita).get("tls 127.0.0.1 web1") == 300)


# What it gets from us.

RECEIVER = 'module(load="imtcp" %s)\nmodule(load="imudp")\ninput(type="imtcp" address="127.0.0.1" port="@TCP@")\n' \
    'input(type="imudp" address="127.0.0.1" port="@TCP@")\ntemplate(name="t" type="string" string="%%PRI%% %%HOSTNAME%% %%programname%% %%procid%%|%%msg%%\\n")\n' \
    'action(type="omfile" file="@DIR@/got.log" template="t" asyncWriting="off" flushOnTXEnd="on")\n'


def receiver(rsyslog, tmp_path, modules="", before=""):
    r = rsyslog("")
    text = (before + RECEIVER % modules).replace("@DIR@", str(r.dir)).replace("@TCP@", str(r.tcp))
    (r.dir / "rsyslog.conf").write_text('global(workDirectory="%s" maxMessageSize="64k")\n%s' % (r.dir, text))
    return r.start()


@pytest.mark.parametrize("way,words", [("tcp", "framing octets;"), ("tcp", ""), ("tcp", "format rfc3164;"), ("udp", "")])
def test_rsyslog_receives(guarita, rsyslog, tmp_path, way, words):
    r = receiver(rsyslog, tmp_path)
    guarita.write_config('%srelay %s 127.0.0.1:%d { program test; %s }\n' % (vault(guarita), way, r.tcp, words))
    started(guarita, 1)
    guarita.send_udp("<27>%s web1 test[7]: first number=0 of it" % stamp(), "<11>1 2026-01-02T03:04:05Z web2 test 9 - - second number=1 of it")
    guarita.append("a.log", *numbered("file", 2, 100))
    got = wait_until("102 lines", lambda: (lambda x: x if len(x) >= 102 else None)(r.lines()))
    assert sorted(found(got)) == list(range(102))
    # Of RFC 3164 the blank before the text is part of what rsyslog shows.
    heads = sorted(line.split(" number=")[0].replace("| ", "|") for line in got if "number=0 " in line or "number=1 " in line)
    assert heads == ["11 web2 test 9|second", "27 web1 test 7|first"]
    assert target(guarita)["relayed"] == 102


def test_a_killed_rsyslog_misses_nothing(guarita, rsyslog, tmp_path):
    r = receiver(rsyslog, tmp_path)
    guarita.write_config('%srelay tcp 127.0.0.1:%d { program test; framing octets; }\n' % (vault(guarita), r.tcp))
    started(guarita, 1)
    sent = 0
    for _ in range(3):
        guarita.append("a.log", *numbered("many", sent, 300))
        sent += 300
        wait_until("%d arrived" % sent, lambda: set(found(r.lines())) == set(range(sent)))
        r.kill()
        guarita.append("a.log", *numbered("many", sent, 300))
        sent += 300
        r.start()
    wait_until("%d arrived" % sent, lambda: set(found(r.lines())) == set(range(sent)))
    assert target(guarita)["skipped"] == 0


@needs_gtls
def test_rsyslog_receives_over_tls(guarita, rsyslog, ca, tmp_path):
    files = 'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="%s" defaultNetstreamDriverCertFile="%s" defaultNetstreamDriverKeyFile="%s")\n' % (
        ca["ca.pem"], ca["localhost.pem"], ca["localhost.key"])
    r = receiver(rsyslog, tmp_path, 'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["web1.example.com"]', files)
    guarita.write_config('%srelay tls localhost:%d { program test; authority "%s"; certificate "%s"; key "%s"; }\n' % (
        vault(guarita), r.tcp, ca["ca.pem"], ca["web1.example.com.pem"], ca["web1.example.com.key"]))
    started(guarita, 1)
    guarita.append("a.log", *numbered("file", 0, 200))
    wait_until("200 lines", lambda: len(r.lines()) >= 200)
    assert found(r.lines()) == list(range(200))
