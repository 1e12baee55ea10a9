"""What the scenes of the gate share: the company of the testbed, and Guarita as its gateways.

The bed is the one beside the source tree; everything happens in network namespaces that it makes and takes away.
"""
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from conftest import BUILD, GUARITAD, LIMIT, ROLES, ROOT, wait_until

BED = ROOT.parent / "shared" / "testbed" / "two-sites.sh"
if not BED.exists():
    BED = Path(os.environ.get("GUARITA_TESTBED", "/nonexistent"))
GUARITA = BUILD / "src" / "main" / "guarita"
NETD = ROLES / "netd"

needs_bed = pytest.mark.skipif(not BED.exists() or os.geteuid() != 0, reason="needs the testbed and root")


class Bed:
    """The namespaces of the company, by the names that two-sites.sh gives them."""

    def __init__(self, name):
        self.name = name
        self.env = dict(os.environ, TB=name)
        self("up")

    def __call__(self, *words):
        return subprocess.run([BED, *words], env=self.env, check=True, capture_output=True, text=True, timeout=LIMIT).stdout

    def argv(self, host, *words):
        return ["ip", "netns", "exec", "%s-%s" % (self.name, host), *map(str, words)]

    def run(self, host, *words, check=True, **more):
        return subprocess.run(self.argv(host, *words), check=check, capture_output=True, text=True, timeout=LIMIT, **more)

    def popen(self, host, *words, **more):
        return subprocess.Popen(self.argv(host, *words), **dict(dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), **more))

    def python(self, host, program, *args, **more):
        return self.run(host, "/usr/bin/python3", "-c", program, *args, **more)

    def listen(self, host, port, address="", answer="hello"):
        """A TCP server that says a word to everyone, and to whom it said it."""
        p = self.popen(host, "/usr/bin/python3", "-c", SERVER, str(port), address, answer)
        assert p.stdout.readline() == "listening\n"
        return p

    def connect(self, host, address, port, seconds=10.0, source="", say=""):
        """What the server said, or how it failed: "refused", "silent". Only who expects silence should shorten the wait."""
        return self.python(host, CLIENT, address, str(port), str(seconds), source, say).stdout.strip()

    def udp(self, host, address, port, text="x", source_port=0):
        self.python(host, "import socket,sys\nf=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET\n"
                    "s=socket.socket(f,socket.SOCK_DGRAM)\ns.bind(('',int(sys.argv[4])))\n"
                    "s.sendto(bytes.fromhex(sys.argv[3]),(sys.argv[1],int(sys.argv[2])))",
                    address, str(port), text if isinstance(text, str) and all(c in "0123456789abcdef" for c in text) and text
                    else text.encode().hex(), str(source_port))

    def down(self):
        self("down", "--kill")


SERVER = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[2], int(sys.argv[1])))
s.listen(64)
print("listening", flush=True)
keep = []
while True:
    c, who = s.accept()
    keep.append(c)
    try:
        c.sendall((sys.argv[3] + " " + who[0] + "\\n").encode())
    except OSError:
        pass
"""

CLIENT = """
import socket, sys
address, port, seconds, source, say = sys.argv[1:6]
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
s.settimeout(float(seconds))
try:
    if source:
        s.bind((source, 0))
    s.connect((address, int(port)))
    print(s.makefile().readline().strip())
except ConnectionRefusedError:
    print("refused")
except (TimeoutError, socket.timeout):
    print("silent")
except OSError as e:
    print("error", e)
"""


class Gate:
    """Guarita as the gateway of one host of the bed."""

    def __init__(self, bed, host, folder, text):
        self.bed, self.host, self.dir = bed, host, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "logs").mkdir(exist_ok=True)
        self.config = folder / "guarita.conf"
        self.control = folder / "run" / "control"
        self.process = None
        self.write(text)

    def write(self, text):
        own = "state-dir %s/state; run-dir %s/run; rules-dir %s/rules;\n" % (self.dir, self.dir, self.dir)
        (self.dir / "rules").mkdir(exist_ok=True)
        (self.dir / "rules" / "scene.rules").write_text(RULES)
        self.config.write_text(own + text.replace("/var/log", str(self.dir / "logs")))

    def start(self):
        self.errors = open(self.dir / "stderr", "ab")
        self.process = self.bed.popen(self.host, GUARITAD, "--config", self.config, stdout=self.errors, stderr=self.errors)
        wait_until("the gate running", self.running)
        return self

    def running(self):
        assert self.process.poll() is None, self.stderr()
        roles = self.roles()
        return all(r["state"] in ("running", "not needed") for r in roles.values())

    def stderr(self):
        path = self.dir / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def once(self, *words):
        """The kernel's state from the configuration, without any daemon."""
        return self.bed.run(self.host, NETD, "--config", self.config, *(words or ("--once",)), check=False)

    def ask(self, **order):
        """All lines of the answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            s.connect(str(self.control))
            s.sendall(json.dumps(order).encode() + b"\n")
            lines = []
            for line in s.makefile():
                lines.append(json.loads(line))
                if lines[-1]["type"] in ("end", "status", "error", "reload"):
                    break
            return [x for x in lines if x["type"] != "end"]

    def roles(self):
        return {r["name"]: r for r in self.ask(cmd="status")[0]["roles"]}

    def counts(self, **want):
        """Packets of all rules whose members are these."""
        return sum(r["packets"] for r in self.ask(cmd="rules") if all(r[k] == v for k, v in want.items()))

    def nft(self, *words):
        return self.bed.run(self.host, "nft", *words).stdout

    def log(self, *lines):
        with open(self.dir / "logs" / "auth.log", "a") as f:
            f.write("".join(line + "\n" for line in lines))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        self.stop()
        assert "runtime error" not in self.stderr() and "AddressSanitizer" not in self.stderr(), self.stderr()
        self.bed.run(self.host, "nft", "delete", "table", "inet", "guarita", check=False)


RULES = """
decoder scene-sshd {
    program sshd;
    line auth.fail 'Failed password for <user> from <src> port <src_port> ssh2';
    sample 'Failed password for root from 192.0.2.7 port 50273 ssh2' is auth.fail { src 192.0.2.7; user root; }
}
decoder netfilter {
    program kernel;
    line fw.deny '<rule:text>IN=<iface:text> OUT=<-:kv>' {
        when src exists;
        map dst_port from dpt;
        map icmp_type from type;
        drop len, tos, prec, id, res, urgp, mac, out, spt, code, window, tc, flowlbl, hoplimit;
        refine dos.smurf when rule has 'guarita smurf';
        refine dos.syn_flood when rule has 'guarita syn-flood';
    }
}
rule scene-guessing {
    count 3 of auth.fail by src within 10m;
    open auth.brute;
    say "{count} failed logins from {src}";
}
rule scene-flood {
    count 30 of fw.deny by src, dst within 3s;
    where icmp_type is 8;
    open dos.ping_flood;
    say "{count} pings refused from {src}";
}
rule scene-syn-flood {
    each dos.syn_flood by dst, dst_port;
    open dos.syn_flood;
    say "connections begin at {dst} and never go on";
}
rule scene-smurf {
    each dos.smurf by src;
    open dos.smurf;
    say "ping to a whole network, in the name of {src}";
}
"""


def failed_login(address, second=0):
    t = time.gmtime(time.time() - 30 + second)
    return "%s%2d%s matriz sshd[7]: Failed password for root from %s port 4242 ssh2" % (
        time.strftime("%b ", t), t.tm_mday, time.strftime(" %H:%M:%S", t), address)


@pytest.fixture(scope="module")
def bed():
    b = Bed("gs%d" % (os.getpid() % 10000))
    yield b
    b.down()
