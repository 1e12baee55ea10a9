"""Sealed lines go on to plain syslog hosts and into files: syslog-ng receives, is killed in the middle, and comes back."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from conftest import BUILD, ROOT, free_port, probe, stamp, wait_until
from test_copies import numbered, vault
from test_tls import Authority

GUARITA = BUILD / "src" / "main" / "guarita"
SHARED = ROOT.parent / "shared" / "data" / "watch" / "article" / "syslog.conf"

needs_syslog_ng = pytest.mark.skipif(not shutil.which("syslog-ng"), reason="needs syslog-ng")


class SyslogNg:
    def __init__(self, folder):
        self.dir, self.process = folder, None
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        (folder / "ng.conf").write_text("""@version: 3.38
options { keep-hostname(yes); use-dns(no); flush-lines(1); stats-freq(0); };
source s_udp { syslog(ip(127.0.0.1) port(%d) transport("udp")); };
source s_tcp { network(ip(127.0.0.1) port(%d) transport("tcp") log-iw-size(10000)); };
destination d_udp { file("%s/udp.log" template("$PRI $HOST $PROGRAM $MSG\\n")); };
destination d_tcp { file("%s/tcp.log" template("$PRI $HOST $PROGRAM $MSG\\n")); };
log { source(s_udp); destination(d_udp); };
log { source(s_tcp); destination(d_tcp); };
""" % (self.udp, self.tcp, folder, folder))

    def start(self):
        self.process = subprocess.Popen(["syslog-ng", "-F", "-f", self.dir / "ng.conf", "-R", self.dir / "persist", "-c",
                                         self.dir / "ctl", "-p", self.dir / "pid", "--no-caps"],
                                        stdout=subprocess.DEVNULL, stderr=open(self.dir / "ng.err", "ab"))
        wait_until("syslog-ng listens", self.up)
        return self

    def up(self):
        assert self.process.poll() is None, (self.dir / "ng.err").read_text()
        with socket.create_connection(("127.0.0.1", self.tcp), 1):
            return True

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def lines(self, name):
        path = self.dir / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def peer(tmp_path):
    (tmp_path / "ng").mkdir()
    p = SyslogNg(tmp_path / "ng")
    yield p
    p.kill()


def targets(g):
    return {t["name"]: t for t in g.roles()["shipd"]["status"]["targets"]}


def target(g):
    """The only one."""
    (t,) = targets(g).values()
    return t


def found(lines):
    return [int(line.split("number=")[1].split()[0]) for line in lines if "number=" in line]


def started(g, n):
    """Each target stands at the present end: what comes now goes on."""
    g.start()
    wait_until("all targets begun", lambda: len(list((g.dir / "vault" / "ship").glob("relay-*"))) == n)
    return g


@needs_syslog_ng
def test_lines_reach_a_plain_syslog_host(guarita, peer):
    guarita.write_config('%srelay udp 127.0.0.1:%d { select "*.err;auth.none"; }\nrelay tcp 127.0.0.1:%d { format rfc3164; program test; }\n' % (
        vault(guarita), peer.udp, peer.tcp))
    peer.start()
    started(guarita, 2)
    guarita.send_udp("<27>%s web1 named[7]: an error number=1" % stamp(), "<35>%s web1 sshd[8]: auth is not wanted number=2" % stamp(),
                     "<30>%s web1 named[7]: only information number=3" % stamp(),
                     "<11>1 2026-01-02T03:04:05Z web2 app 9 - - whole number=4")
    guarita.append("a.log", *numbered("file", 10, 3))
    udp = wait_until("two datagrams", lambda: (lambda x: x if len(x) >= 2 else None)(peer.lines("udp.log")))
    assert udp == ["27 web1 named an error number=1", "11 web2 app whole number=4"]
    wait_until("three lines of the stream", lambda: len(peer.lines("tcp.log")) == 3)
    assert found(peer.lines("tcp.log")) == [10, 11, 12]
    assert all(line.startswith("13 ") for line in peer.lines("tcp.log"))
    assert {t["relayed"] for t in targets(guarita).values()} == {2, 3}


def test_lines_go_on_by_what_they_mean(guarita):
    """Where a name is no guide the decoders are: kinds of a family, one kind, and what nobody understands."""
    guarita.write_config(vault(guarita) + "".join('write "%s/%s" { %s }\n' % (guarita.dir, name, words) for name, words in (
        ("auth", "kind auth.*;"), ("probes", "kind recon.web_probe; host gate;"), ("rest", "kind unknown; program test;"))))
    started(guarita, 3)
    bad = "%s gate sshd[9]: Failed password for root from 192.0.2.7 port 50273 ssh2" % stamp()
    other = "%s web1 probe: probe from 198.51.100.9" % stamp()
    guarita.send_udp("<38>" + bad, "<13>" + probe(1), "<13>" + other, "<13>%s gate test: nothing known number=1 here" % stamp())
    guarita.append("a.log", probe(2), bad)

    def lines(name):
        return (guarita.dir / name).read_text().splitlines()
    wait_until("written", lambda: len(lines("auth")) == 2 and len(lines("probes")) == 2 and len(lines("rest")) == 1)
    assert all("Failed password" in line for line in lines("auth"))
    assert "probe from 198.51.0.2" in lines("probes")[0] and "probe from 198.51.0.3" in lines("probes")[1]
    assert found(lines("rest")) == [1]


def test_a_kind_that_is_none_is_named(guarita):
    """By `guarita check`, and by the process that would need it."""
    guarita.write_config(vault(guarita) + 'write "%s/auth" { kind auth.*, auht.fail; }\n' % guarita.dir)
    for command in ((GUARITA, "check", guarita.config), (BUILD / "src" / "role" / "shipd", "--check", "--config", guarita.config)):
        done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
        assert done.returncode != 0 and 'no kind is called "auht.fail"' in done.stderr, done.stderr
    guarita.write_config(vault(guarita) + 'write "%s/auth" { kind auth.*, auth.fail; }\n' % guarita.dir)
    assert subprocess.run([GUARITA, "check", guarita.config], capture_output=True).returncode == 0


@needs_syslog_ng
def test_a_host_that_is_killed_in_the_middle_misses_nothing(guarita, peer):
    """What its kernel had taken and it had not read is sent again: doubled it may be, lost it is not."""
    guarita.write_config('%srelay tcp 127.0.0.1:%d { program test; }\n' % (vault(guarita), peer.tcp))
    peer.start()
    started(guarita, 1)
    sent = 0
    for _ in range(3):
        guarita.append("a.log", *numbered("many", sent, 3000))
        sent += 3000
        # What it read and did not write before it died is its own loss: it has written all, and reads no more.
        wait_until("%d arrived" % sent, lambda: set(found(peer.lines("tcp.log"))) == set(range(sent)), 120)
        peer.process.send_signal(signal.SIGSTOP)
        before = target(guarita)["relayed"]
        for _ in range(100):
            guarita.append("a.log", *numbered("many", sent, 1))
            sent += 1
        wait_until("its kernel took them", lambda: target(guarita)["relayed"] >= before + 100, 60)
        assert sent - 1 not in found(peer.lines("tcp.log"))
        peer.kill()
        peer.start()
    wait_until("all %d arrived" % sent, lambda: set(found(peer.lines("tcp.log"))) == set(range(sent)), 120)
    assert target(guarita)["skipped"] == 0
    assert target(guarita)["repeated"] >= 300


@needs_syslog_ng
def test_what_waits_survives_kills_of_ours(guarita, peer):
    guarita.write_config('%srelay tcp 127.0.0.1:%d { program test; }\n' % (vault(guarita), peer.tcp))
    started(guarita, 1)
    guarita.append("a.log", *numbered("many", 0, 500))
    wait_until("sealed", lambda: guarita.roles()["vaultd"]["status"]["size"] >= 500)
    guarita.kill_all()
    peer.start()
    guarita.start()
    wait_until("all arrived", lambda: set(found(peer.lines("tcp.log"))) == set(range(500)))


def test_lines_are_written_to_files_as_syslogd_does(guarita):
    guarita.write_config('%swrite "%s/messages" { select "*.info;mail.none"; }\nwrite "%s/mail" { select "mail.*"; sync yes; mode 0600; }\n' % (
        vault(guarita), guarita.dir, guarita.dir))
    started(guarita, 2)
    line = "%s web1 named[7]: news number=1" % stamp()
    guarita.send_udp("<30>" + line, "<31>%s web1 named[7]: debugging number=2" % stamp(), "<22>%s mx postfix/smtp[9]: sent number=3" % stamp(),
                     "<27>1 2026-01-02T03:04:05Z web2 app 9 - - modern number=4")
    wait_until("written", lambda: len(found((guarita.dir / "messages").read_text().splitlines())) == 2)
    messages = [m for m in (guarita.dir / "messages").read_text().splitlines() if "number=" in m]
    assert messages[0] == line and messages[1].endswith(" web2 app[9]: modern number=4")
    wait_until("written", lambda: found((guarita.dir / "mail").read_text().splitlines()) == [3])
    assert (guarita.dir / "mail").stat().st_mode & 0o777 == 0o600
    # A kill between the writing and the noting may repeat a line, and loses none.
    os.kill(guarita.roles()["shipd"]["pid"], signal.SIGKILL)
    guarita.send_udp("<30>%s web1 named[7]: news number=5" % stamp())
    wait_until("written", lambda: set(found((guarita.dir / "messages").read_text().splitlines())) == {1, 4, 5})


OLD = """# what syslogd had
*.err;kern.notice;auth.notice;mail.none	/dev/null
mail.info;mail.!err \\
	-%(dir)s/maillog
*.=debug		%(dir)s/debug
kern,daemon.*  @127.0.0.1:%(port)d
auth.*	@@loghost.example.com
*.alert	root,operator
*.emerg	*
local0.*	|/usr/local/bin/filter
!sshd
*.*	%(dir)s/sshd
!*
+web1
*.info	%(dir)s/web1
+*
:msg, contains, "x"	/var/log/x
$ModLoad imudp
*.nonsense	/var/log/nonsense
"""


def imported(guarita, text):
    (guarita.dir / "syslog.conf").write_text(text)
    done = subprocess.run([GUARITA, "import", "syslog.conf", guarita.dir / "syslog.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_a_syslog_conf_is_converted_and_its_rules_run(guarita):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    listener.settimeout(60)
    done = imported(guarita, OLD % {"dir": guarita.dir, "port": listener.getsockname()[1]})
    assert "7 rules converted, 6 not" in done.stderr
    for line, why in ((8, "users"), (9, "logged in"), (10, "pipe"), (17, "property filter"), (18, "directive"), (19, "not known")):
        assert "# line %d: " % line in done.stdout, done.stdout
    # Quoted as people read it.
    assert "\\x09" not in done.stdout
    rules = [r for r in done.stdout.splitlines() if r.startswith(("relay", "write")) and "loghost.example.com" not in r]
    guarita.write_config(vault(guarita) + "\n".join(rules) + "\n")
    started(guarita, len(rules))
    for i, (pri, program, host) in enumerate([(22, "postfix", "mx"), (19, "postfix", "mx"), (15, "app", "h"), (30, "dhcpd", "h"),
                                               (38, "sshd", "h"), (14, "app", "web1")]):
        guarita.send_udp("<%d>%s %s %s[7]: text number=%d" % (pri, stamp(), host, program, i))
    want = {"maillog": [0], "debug": [2], "sshd": [4], "web1": [5]}
    for name, numbers in want.items():
        wait_until("%s has %s" % (name, numbers), lambda: found((guarita.dir / name).read_text().splitlines()) == numbers)
    assert b"number=3" in listener.recv(65536)
    listener.close()


@pytest.mark.skipif(not SHARED.exists(), reason="needs the article's files")
def test_the_article_s_syslog_conf(guarita):
    done = imported(guarita, SHARED.read_bytes().decode("latin-1"))
    assert 'write "/dev/console" { select "*.err;kern.notice;auth.notice"; }' in done.stdout
    assert 'relay udp "loghost" { select "*.debug"; format rfc3164; }' in done.stdout
    assert "2 rules converted, 2 not" in done.stderr


class TlsHost(threading.Thread):
    """RFC 5425 as Python's ssl speaks it: lengths, then messages."""

    def __init__(self, ca, name):
        super().__init__(daemon=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca[name + ".pem"], ca[name + ".key"])
        self.context, self.messages, self.refused = context, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) as s, s.makefile("rb") as f:
                    self.read(f)
            except OSError:
                self.refused += 1

    def read(self, f):
        while True:
            length = b""
            while not length.endswith(b" "):
                c = f.read(1)
                if not c:
                    return
                length += c
            self.messages.append(f.read(int(length)).decode())


def test_lines_go_on_over_tls(guarita, tmp_path):
    ca = Authority(tmp_path / "ca")
    ca.sign("localhost")
    ca.sign("other.example.com")
    good, wrong = TlsHost(ca, "localhost"), TlsHost(ca, "other.example.com")
    guarita.write_config(vault(guarita) + "".join('relay tls localhost:%d { program test; authority "%s"; }\n' % (
        h.port, ca["ca.pem"]) for h in (good, wrong)))
    started(guarita, 2)
    guarita.append("a.log", *numbered("many", 0, 300))
    wait_until("all arrived", lambda: found(good.messages) == list(range(300)))
    # Who shows a certificate of another name gets nothing, and it is said.
    why = wait_until("refused", lambda: targets(guarita)["tls localhost:%d" % wrong.port]["error"])
    assert "certificate" in why or "verif" in why or "name" in why, why
    assert not wrong.messages and targets(guarita)["tls localhost:%d" % wrong.port]["relayed"] == 0
    good.listener.close()
    wrong.listener.close()
