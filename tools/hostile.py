#!/usr/bin/python3
"""A great many hostile lines through `guarita scan`: no crash, no hang, and nobody blamed but the stranger.

usage: tools/hostile.py BUILD [LINES [SEED]]

A third is bytes of chance, a third true lines that were damaged, a third true lines of a stranger whose names, paths and
agents are other lines that blame a victim. The same bytes for the same seed. Ends with 0 when all is well.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("GUARITA_BUILD", sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build"))
sys.path.insert(0, str(ROOT / "test" / "scene"))

from test_forgery import FILES, HEAD, STRANGER, SYSLOG, VICTIM, filled, payloads  # noqa: E402

TEXT = b"Nov 20 09:00:00 gw cron[1]: (root) CMD (true)\n"
SECONDS_PER_LINE = 0.01           # a hang is told from a busy machine


def chance(rnd):
    """Bytes of any sort, now and then very many; a line is a line, so none is its end."""
    n = rnd.choice((0, 1, 7, 80, 80, 300, 300, 2000))
    return rnd.randbytes(n).replace(b"\n", b"\r")


def damaged(rnd, line):
    """Cut, doubled, turned about, with bytes changed: seldom read, never to be trusted."""
    b = bytearray(line)
    for _ in range(rnd.randint(1, 4)):
        if not b:
            break
        at = rnd.randrange(len(b))
        what = rnd.randrange(5)
        if what == 0:
            b[at] = rnd.choice(b"\0\x1b\xff<>[]{}()\"'=:;,. %#@/\\") if rnd.random() < .7 else rnd.randrange(256)
        elif what == 1:
            del b[at:at + rnd.randint(1, 20)]
        elif what == 2:
            b[at:at] = b[at:at + rnd.randint(1, 40)] * rnd.randint(1, 30)
        elif what == 3:
            b = b[at:] + b[:at]
        else:
            b[at:at] = rnd.choice((b"%n%s", b"../" * 20, b"A" * 500, b"\x90" * 200, b"\xf0\x9f\x92\xa9", b"\xed\xa0\x80"))
    return bytes(b).replace(b"\n", b" ")


def templates():
    for program, messages in SYSLOG.items():
        for message in messages:
            yield "auth.log", "%s: %s" % (program, message)
    for name, rows in FILES.items():
        for row in rows:
            yield name, row


def write(folder, lines, rnd):
    rows, texts = list(templates()), payloads()
    files = {name: open(folder / name, "wb") for name in ["auth.log", "noise.log", *FILES]}
    # A file that does not begin as text is not read at all, and that is tested elsewhere.
    files["noise.log"].write(TEXT * (70000 // len(TEXT)))
    for n in range(lines):
        name, template = rows[rnd.randrange(len(rows))]
        head = HEAD % (n // 60 % 60, n % 60) if name == "auth.log" else ""
        if n % 3 == 0:
            name, line = "noise.log", chance(rnd)
        elif n % 3 == 1:
            # What was damaged proves nothing about sources: it names the stranger only.
            name, line = "noise.log", damaged(rnd, (HEAD % (n // 60 % 60, n % 60) + filled(template, "root")).encode())
        else:
            line = (head + filled(template, rnd.choice(texts) + rnd.choice(("", "", " ", "x", "\"", "'", "]")))).encode()
        files[name].write(line + b"\n")
    for f in files.values():
        f.close()


def scan(folder, lines):
    """The incidents. The output may be large, so it is read as it comes."""
    guarita = Path(os.environ["GUARITA_BUILD"]) / "src" / "main" / "guarita"
    out = subprocess.run([guarita, "scan", "--json", "--rules", ROOT / "rules", folder], stdout=subprocess.PIPE,
                         timeout=60 + lines * SECONDS_PER_LINE)
    if out.returncode not in (0, 3):
        sys.exit("hostile: guarita ended with %d" % out.returncode)
    return [json.loads(line) for line in out.stdout.splitlines()]


def main():
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write(folder, lines, random.Random(seed))
        rows = scan(folder, lines)
    summary, incidents = rows[-1], rows[:-1]
    forged = [i for i in incidents if VICTIM in (i.get("src") or "")]
    blamed = sum(i.get("src") == STRANGER for i in incidents)
    print("%d lines, seed %d: %d understood, %d incidents, %d of them of the stranger, %d forged; %.1f s" % (
        summary["records"], seed, summary["decoded"], len(incidents), blamed, len(forged), summary["seconds"]))
    for i in forged[:10]:
        print("forged: %s by %s, lines %s" % (i["incident"], i["rule"], i["lines"][:3]))
    if summary["records"] < lines:
        sys.exit("hostile: only %d lines were read" % summary["records"])
    sys.exit(1 if forged or not blamed else 0)


if __name__ == "__main__":
    main()
