"""The article's records, the 39 incidents they must give, and every way to bring them to Guarita.

What an incident is is compared as people would: its kind, its source, and the texts of its lines.
"""
import json
import os
import re
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from conftest import BUILD, LIMIT, ROOT, Guarita, wait_until

GUARITA = BUILD / "src" / "main" / "guarita"
RULES = Path(os.environ.get("GUARITA_RULES", ROOT / "rules"))
FOLDER = ROOT.parent / "shared" / "data" / "watch" / "article"
HEAD = re.compile(r"^[A-Z][a-z][a-z] [ \d]?\d \d\d:\d\d:\d\d ")
NO_LOG = re.compile(r"(\.labels\.jsonl|incidents\.jsonl|\.conf)$")
PRI = "<38>"
# Lines of a time when every window of the article is long over, whatever day the test runs: an incident that says that
# all before it was understood, and a benign line by which that one is over, too.
MARK_SOURCE = "192.0.2.254"
MARK = "<38>1 %d-01-01T00:00:00Z scene sshd 1 - - refused connect from " + MARK_SOURCE
LATER = "<38>1 %d-01-01T00:00:00Z scene cron 1 - - (root) CMD (true)"


class Record:
    """One line of the article: where it stands, its text, and its event time as Guarita reads it."""

    def __init__(self, name, line, text):
        self.name, self.line, self.text, self.time = name, line, text, None


def records():
    if not FOLDER.is_dir():
        pytest.skip("needs the article's records in %s" % FOLDER)
    return [Record(path.name, n, line)
            for path in sorted(FOLDER.iterdir()) if not NO_LOG.search(path.name)
            for n, line in enumerate(path.read_text().splitlines(), 1)]


def expected_lines():
    """The lines of each incident as the data's own key has them."""
    text = {(r.name, r.line): r.text for r in records()}
    wanted = []
    for row in map(json.loads, (FOLDER / "incidents.jsonl").read_text().splitlines()):
        places = [l.split(":") if isinstance(l, str) else (row["file"], l) for l in row["lines"]]
        wanted.append(tuple(sorted(text[(name, int(n))] for name, n in places)))
    return Counter(wanted)


def run(*args, **more):
    more = dict({"capture_output": True, "timeout": LIMIT}, **more)
    return subprocess.run([GUARITA, *map(str, args)], **more)


def scan(*paths):
    """Incidents of a scan, with the texts of their lines."""
    out = run("scan", "--json", "--rules", RULES, *paths)
    assert out.returncode in (0, 3), out.stderr.decode()
    found = [json.loads(line) for line in out.stdout.splitlines()]
    texts = {}
    for incident in found[:-1]:
        for line in incident["lines"]:
            path = line["file"]
            if path not in texts:
                texts[path] = Path(path).read_bytes().decode(errors="replace").splitlines()
            line["text"] = texts[path][line["line"] - 1]
    return found[:-1]


def key(incident, plain=lambda text: text):
    """Kind, source, lines. A line that came with a head of its way is compared without it."""
    return (incident["incident"], incident.get("src", ""), tuple(sorted(plain(l["text"]) for l in incident["lines"])))


def keys(incidents, plain=lambda text: text):
    return Counter(key(i, plain) for i in incidents)


def differences(got, want):
    """Said so that a failing test tells which incidents are missing, and which came instead."""
    show = lambda k: "%s %s %s" % (k[0], k[1], [t[:100] for t in k[2]])
    return ["missing: " + show(k) for k in (want - got)] + ["besides: " + show(k) for k in (got - want)]


def has_head(text):
    return HEAD.match(text) is not None


def as_3164(r):
    if has_head(r.text):
        return PRI + r.text
    t = time.gmtime()
    return "%s%s%2d%s gate %s: %s" % (PRI, time.strftime("%b ", t), t.tm_mday, time.strftime(" %H:%M:%S", t), r.name, r.text)


def as_5424(r):
    name = "-" if has_head(r.text) else r.name
    return "%s1 %s gate %s - - - %s" % (PRI, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), name, r.text)


def plain(texts):
    """Takes the head of the way from a quoted line: the longest record that it ends with."""
    by_length = sorted(set(texts), key=len, reverse=True)
    return lambda line: next((t for t in by_length if line.endswith(t)), line)


class Live(Guarita):
    """Guarita with the real rules."""

    def __init__(self, folder):
        super().__init__(folder)
        (folder / "rules" / "scene.rules").unlink()
        (folder / "rules").rmdir()
        (folder / "rules").symlink_to(RULES)
        self.stream = None

    def send_tcp(self, *lines):
        """Octet-counted frames over one connection, made anew when the other side is gone."""
        data = b"".join(b"%d %s" % (len(l), l) for l in (line.encode() for line in lines))
        if self.stream:
            self.stream.sendall(data)
            return
        self.stream = socket.create_connection(("127.0.0.1", self.tcp))
        self.stream.sendall(data)

    def hang_up(self):
        if self.stream:
            self.stream.close()
            self.stream = None

    def told(self, change=None):
        path = self.dir / "state" / "incidents.jsonl"
        rows = list(map(json.loads, path.read_text().splitlines())) if path.exists() else []
        return [i for i in rows if change in (None, i["change"])]

    def finish(self):
        """Lets event time go on until everything is closed; gives the incidents as they ended."""
        self.hang_up()
        self.send_tcp(MARK % (time.gmtime().tm_year + 2), LATER % (time.gmtime().tm_year + 3))
        self.hang_up()
        marked = lambda i: i.get("src") == MARK_SOURCE

        def all_closed():
            opened, over = self.told("opened"), self.told("closed") + self.told("merged") + self.told("withdrawn")
            return any(map(marked, opened)) and {i["id"] for i in opened} <= {i["id"] for i in over}
        wait_until("all incidents closed", all_closed)
        return [i for i in self.told("closed") if not marked(i)]
