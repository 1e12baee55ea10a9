"""The command as a new user meets it: exit codes, options, output for people and for programs, and inputs of every kind."""
import gzip
import json
import lzma
import os
import pty
import re
import select
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

from article import GUARITA
from conftest import LIMIT, RULES

CLEAN, FAILED, USAGE, INCIDENTS = 0, 1, 2, 3
ESCAPES = b"\x1b]0;owned\x07\x1b[31m\x9b31m\xc2\x9b31m\x7f\xe2\x80\xae\r"
HOME = "2026-11-20T10:00:%02dZ gw sshd[1]: Failed password for %s from %s port %d ssh2"


def fails(n=4, src="192.0.2.1", user="root"):
    return [HOME % (i, user, src, 1000 + i) for i in range(n)]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "scene.rules").write_text(RULES)
    (tmp_path / "auth.log").write_text("\n".join(fails()) + "\n")
    (tmp_path / "quiet.log").write_text("2026-11-20T10:00:00Z gw sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2\n")
    return tmp_path


def guarita(place, *args, stdin=None, **env):
    """Runs in the folder of the place with its rules; gives exit code, output, errors."""
    env = dict({"GUARITA_RULES": str(place / "rules"), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}, **env)
    done = subprocess.run([GUARITA, *map(str, args)], cwd=place, input=stdin, capture_output=True, env=env, timeout=LIMIT)
    for text in (done.stdout, done.stderr):
        assert_harmless(text)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def assert_harmless(text, own=rb""):
    """No byte that steers a terminal, other than those of our own colours."""
    text = re.sub(own, b"", text) if own else text
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]", text), text
    text.decode()


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
@pytest.mark.parametrize("form", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_logs_in_utf16(place, form, mark, packed):
    """As Windows writes them; one that was appended to has no mark."""
    text = mark + "\r\n".join(["a first line", *fails(user="joão"), "end 😀"])
    (place / "wide.log").write_bytes(packed(text.encode(form)))
    for path, stdin in (("wide.log", None), ("-", (place / "wide.log").read_bytes())):
        code, out, err = guarita(place, "decode", "--json", path, stdin=stdin)
        rows = objects(out)
        assert (code, err) == (CLEAN, "") and [r["line"] for r in rows] == [1, 2, 3, 4, 5, 6]
        assert {r.get("user") for r in rows[1:5]} == {"joão"}
        code, out, err = guarita(place, "scan", "--json", path, stdin=stdin)
        incident, summary = objects(out)
        assert code == INCIDENTS and summary["records"] == 6 and summary["lost"] == 0
        assert [l["line"] for l in incident["lines"]] == [2, 3, 4, 5] and incident["src"] == "192.0.2.1"


def test_explain_names_the_decoder_of_a_form_too(place):
    (place / "rules" / "forms.rules").write_text("""
        decoder own-json { program any; json; need act exists; line auth.fail { when act is "login"; map src from ip; }
            sample '{"act":"login","ip":"192.0.2.7"}' is auth.fail { src 192.0.2.7; } }
        decoder own-prose { program any; guess; prose; line auth.fail { when said is auth_fail; drop said; }
            sample 'bad password of joe, who came from 192.0.2.7' is auth.fail { src 192.0.2.7; } }""")
    out = guarita(place, "explain", '{"act":"login","ip":"192.0.2.7"}')[1]
    assert "own-json" in out and "forms.rules:2" in out and "a JSON object" in out
    out = guarita(place, "explain", "login of joe rejected, client 192.0.2.7")[1]
    assert "own-prose" in out and "what its words say" in out and "192.0.2.7" in out


def spoken(minutes, start=datetime(2026, 11, 20, 8, 0, 0)):
    return ["%s gw app[1]: tick" % (start + timedelta(minutes=m)).strftime("%Y-%m-%dT%H:%M:%SZ") for m in minutes]


def test_a_log_that_fell_silent(place):
    """Lines cut out of a night: told with their place, held against nobody."""
    (place / "steady.log").write_text("\n".join(spoken(range(0, 1200, 7))) + "\n")
    (place / "cut.log").write_text("\n".join(spoken([*range(0, 150), *range(800, 950)])) + "\n")
    code, out, err = guarita(place, "scan", "--plain", "steady.log", "cut.log")
    assert code == CLEAN and "steady.log:" not in out
    assert "cut.log:151: nothing for unusually long, 2026-11-20 10:29:00 -> 2026-11-20 21:20:00" in out
    (summary,) = objects(guarita(place, "scan", "--json", "steady.log", "cut.log")[1])
    assert (summary["silences"], summary["incidents"]) == (1, 0)


def test_exit_codes(place):
    assert guarita(place, "scan", "quiet.log")[0] == CLEAN
    assert guarita(place, "scan", "auth.log")[0] == INCIDENTS
    assert guarita(place, "scan", "auth.log", "absent.log")[0] == INCIDENTS
    for wrong in ([], ["scan"], ["scan", "--since"], ["scan", "--since", "tomorrow", "auth.log"], ["rules"], ["status", "x"]):
        assert guarita(place, *wrong)[0] == USAGE, wrong
    for right in (["help"], ["--help"], ["help", "scan"], ["--version"], ["rules", "test"], ["explain", "site"]):
        assert guarita(place, *right)[0] == CLEAN, right
    assert guarita(place, "scan", "--rules", "nowhere", "auth.log")[0] == FAILED
    assert guarita(place, "status", "--control", "nowhere")[0] == FAILED


def test_scan_for_people(place):
    code, out, err = guarita(place, "scan", "auth.log", "quiet.log")
    assert code == INCIDENTS and err == ""
    assert out.startswith("5 lines of 2 files, 2026-11-20 10:00:00 .. 2026-11-20 10:00:03, read in ")
    assert "1 incident: 1 high\n" in out and "4 failed logins from 192.0.2.1" not in out
    assert re.search(r"high +auth\.brute  192\.0\.2\.1  2026-11-20 10:00:00 \.\. 2026-11-20 10:00:03\n", out)
    assert re.search(r"\n +auth\.log:1  2026-11-20T10:00:00Z gw sshd\[1\]: Failed password for root", out)
    assert "Who did it\n  192.0.2.1 " in out
    out = guarita(place, "scan", "quiet.log")[1]
    assert "1 line of 1 file, " in out and "No incident found." in out


def test_scan_for_programs(place):
    code, out, err = guarita(place, "scan", "--json", "auth.log")
    incident, summary = objects(out)
    assert code == INCIDENTS and err == ""
    assert list(incident)[0] == "type" and incident["type"] == "incident"
    want = {"incident": "auth.brute", "severity": "high", "src": "192.0.2.1", "user": "root", "host": "gw", "count": 4,
            "first": "2026-11-20T10:00:00Z", "last": "2026-11-20T10:00:03Z", "rule": "scene-guessing",
            "why": "4 failed logins from 192.0.2.1", "attack": ["T1110"],
            "lines": [{"file": "auth.log", "line": n} for n in range(1, 5)]}
    assert {k: incident[k] for k in want} == want
    assert summary["type"] == "summary" and summary["seconds"] >= 0
    assert {k: summary[k] for k in ("records", "decoded", "undecoded", "lost", "incidents")} == \
        {"records": 4, "decoded": 4, "undecoded": 0, "lost": 0, "incidents": 1}
    (nothing,) = objects(guarita(place, "scan", "--json", "quiet.log")[1])
    assert nothing["type"] == "summary" and nothing["incidents"] == 0 and nothing["records"] == 1


def test_decode_for_programs(place):
    (place / "mixed.log").write_text(fails(1)[0] + "\nnot a log line at all\n")
    code, out, err = guarita(place, "decode", "--json", "mixed.log", "auth.log")
    rows = objects(out)
    assert code == CLEAN and err == ""
    assert [(r["file"], r["line"]) for r in rows] == [("mixed.log", 1), ("mixed.log", 2)] + [("auth.log", n) for n in range(1, 5)]
    assert rows[0] == {"file": "mixed.log", "line": 1, "time": "2026-11-20T10:00:00Z", "host": "gw", "program": "sshd", "pid": 1,
                       "kind": "auth.fail", "hostile": True, "src": "192.0.2.1", "src_port": 1000, "user": "root",
                       "decoder": "scene-sshd"}
    assert rows[1]["kind"] == "unknown" and rows[1]["hostile"] is False and "decoder" not in rows[1] and "src" not in rows[1]


def test_since_and_until(place):
    def records(*bounds):
        return objects(guarita(place, "scan", "--json", *bounds, "auth.log")[1])[-1]["records"]
    assert records("--since", "2026-11-20") == 4
    assert records("--since", "2026-11-20T10:00:01Z") == 3
    assert records("--until", "2026-11-20T10:00:01Z") == 1
    assert records("--since", "2026-11-20T10:00:01Z", "--until=2026-11-20T10:00:03Z") == 2
    assert records("-s", "2026-11-20T12:00:01+02:00") == 3
    assert guarita(place, "scan", "--since", "2026-11-20T10:00:02Z", "auth.log")[0] == CLEAN
    now = datetime.now(timezone.utc)
    (place / "now.log").write_text("".join("%sZ gw sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2\n" %
                                           (now - timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%S") for h in (3, 1)))
    assert objects(guarita(place, "scan", "--json", "--since", "2h", "now.log")[1])[-1]["records"] == 1
    code, _, err = guarita(place, "scan", "--since", "yesterday-ish", "auth.log")
    assert code == USAGE and 'guarita scan: --since cannot be "yesterday-ish"' in err


def hostile_log(place):
    line = b"2026-11-20T10:00:%02dZ gw sshd[1]: Failed password for " + ESCAPES + b"root from 192.0.2.1 port 1 ssh2\n"
    name = b"\x1b]0;owned\x07.log"
    for path in (b"hostile.log", name):
        with open(os.path.join(os.fsencode(place), path), "wb") as f:
            f.write(b"".join(line % i for i in range(4)) + ESCAPES + b"\n")
    return os.fsdecode(name)


@pytest.mark.parametrize("form", [[], ["--json"], ["--plain"], ["--all"]])
def test_a_log_cannot_steer_the_terminal(place, form):
    name = hostile_log(place)
    code, out, _ = guarita(place, "scan", *form, "hostile.log", name)
    assert code == INCIDENTS and "owned" in out
    if "--all" not in form:
        assert "owned" in guarita(place, "decode", *[f for f in form if f == "--json"], "hostile.log")[1]
    # Also in what is said of a file that is not there, and of a line that is explained.
    assert guarita(place, "scan", "\x1b]0;absent\x07")[0] == FAILED
    assert "owned" in guarita(place, "explain", os.fsdecode(b"2026-11-20T10:00:00Z gw sshd[1]: " + ESCAPES))[1]
    assert guarita(place, "rules", "show", "\x1b]0;no\x07")[0] == FAILED
    assert guarita(place, "\x1b]0;no\x07")[0] == USAGE
    assert guarita(place, "scan", "--\x1b]0;no\x07")[0] == USAGE
    assert guarita(place, "check", "\x1b]0;no\x07")[0] == FAILED


def on_terminal(place, *args, **env):
    """What a terminal would be sent, both streams."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(place)
        os.environ.update(GUARITA_RULES=str(place / "rules"), LC_ALL="C.UTF-8", TERM="xterm", **env)
        os.execv(GUARITA, [str(GUARITA), *args])
    seen = b""
    while select.select([fd], [], [], LIMIT)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


OWN = rb"\x1b\[(?:0|1|2|1;31|33|32|36)m|\r?\x1b\[K|\r\n|\r(?=  )"


def test_on_a_terminal(place):
    hostile_log(place)
    code, seen = on_terminal(place, "scan", "hostile.log")
    assert code == INCIDENTS and b"\x1b[1;31mhigh" in seen
    assert_harmless(seen, OWN)
    # Colour never carries the meaning alone, and can be switched off.
    for args, env in ((["scan", "--plain"], {}), (["scan"], {"NO_COLOR": "1"})):
        code, seen = on_terminal(place, *args, "hostile.log", **env)
        assert code == INCIDENTS and b"high" in seen and b"\x1b[1;31m" not in seen and b"\x1b[1m" not in seen
    assert_harmless(on_terminal(place, "decode", "hostile.log")[1], OWN)
    assert_harmless(on_terminal(place, "explain", "2026-11-20T10:00:00Z gw sshd[1]: \x1b]0;owned\x07")[1], OWN)


def test_narrow_terminal(place):
    (place / "other.log").write_text("\n".join(fails(src="2001:db8:1111:2222:3333:4444:5555:6666") + ["what is this"]) + "\n")
    with gzip.open(place / "some-long-name-of-an-archive.gz", "wb") as f:
        f.write(b"x y z\n" * 1000 + os.urandom(2000))
    archive = place / "some-long-name-of-an-archive.gz"
    archive.write_bytes(archive.read_bytes()[:-1000])
    code, out, _ = guarita(place, "scan", "auth.log", "other.log", archive.name, COLUMNS="60")
    assert code == INCIDENTS
    assert [l for l in out.splitlines() if len(l) > 60] == []
    for words in ("auth.brute", "192.0.2.1", "2001:db8:1111:2222", "4 failed logins", "not understood"):
        assert words in out
    wide = guarita(place, "scan", "auth.log", COLUMNS="200")[1]
    assert "port 1003 ssh2" in wide
    out = guarita(place, "explain", fails()[0], COLUMNS="60")[1]
    # The place of a decoder is never cut: it is there to be opened.
    assert [l for l in out.splitlines() if len(l) > 60 and "scene.rules:4" not in l] == []


def count(place, *paths, stdin=None):
    """Records, incidents, and the exit code of a scan."""
    code, out, err = guarita(place, "scan", "--json", *paths, stdin=stdin)
    summary = objects(out)[-1]
    return summary["records"], summary["incidents"], code


def test_inputs_of_every_kind(place):
    text = (place / "auth.log").read_bytes()
    (place / "a.gz").write_bytes(gzip.compress(text))
    (place / "two.gz").write_bytes(gzip.compress(text[:100]) + gzip.compress(text[100:]))
    (place / "a.xz").write_bytes(lzma.compress(text))
    subprocess.run(["zstd", "-q", "auth.log", "-o", "a.zst"], cwd=place, check=True)
    (place / "crlf.log").write_bytes(text.replace(b"\n", b"\r\n"))
    (place / "no-end.log").write_bytes(text[:-1])
    (place / "folder" / "deeper").mkdir(parents=True)
    (place / "folder" / "deeper" / "a.log").write_bytes(text)
    (place / "folder" / ".hidden").write_bytes(text)
    (place / "link.log").symlink_to("auth.log")
    for path in ("auth.log", "a.gz", "two.gz", "a.xz", "a.zst", "crlf.log", "no-end.log", "folder", "link.log", "."[:0] + "-"):
        got = count(place, path, stdin=text if path == "-" else None)
        assert got == (4, 1, INCIDENTS), path
    assert count(place, "-", stdin=gzip.compress(text)) == (4, 1, INCIDENTS)
    assert count(place, "-", stdin=b"") == (0, 0, CLEAN)
    (place / "empty.log").write_bytes(b"")
    assert count(place, "empty.log") == (0, 0, CLEAN)
    assert count(place, "empty.log", "auth.log") == (4, 1, INCIDENTS)
    # CR is not part of what a line says.
    assert objects(guarita(place, "decode", "--json", "crlf.log")[1])[0]["kind"] == "auth.fail"


def test_hostile_inputs(place):
    text = (place / "auth.log").read_bytes()
    long_line = b"2026-11-20T09:59:59Z gw sshd[1]: Failed password for " + b"A" * (1 << 20) + b" from 192.0.2.9 port 1 ssh2\n"
    (place / "long.log").write_bytes(long_line + text)
    assert count(place, "long.log") == (5, 1, INCIDENTS)
    (place / "nul.log").write_bytes(text + b"x" * 8000 + b"\n" + text[:40] + b"\0\0\0" + text[40:] + b"\0" * 5000 + b"\n")
    records, incidents, code = count(place, "nul.log")
    assert records == 10 and incidents == 1 and code == INCIDENTS
    (place / "noise.log").write_bytes(b"start of a text\n" * 300 + bytes(range(1, 256)) * 100 + b"\n" + text)
    assert count(place, "noise.log")[1:] == (1, INCIDENTS)


def test_what_cannot_be_read_is_said(place):
    (place / "binary.log").write_bytes(bytes(range(256)) * 16)
    code, out, err = guarita(place, "scan", "binary.log")
    assert (code, out) == (FAILED, "")
    assert err == "binary.log: not a text log (binary)\nguarita: scan: nothing could be read\n"
    code, out, err = guarita(place, "scan", "absent.log")
    assert (code, out) == (FAILED, "") and err.startswith("absent.log: No such file or directory\n")
    code, out, _ = guarita(place, "scan", "auth.log", "binary.log", "absent.log")
    assert code == INCIDENTS and "binary.log: not a text log (binary)" in out and "absent.log: No such file" in out
    whole = gzip.compress(b"".join(b"%d line of its own\n" % i for i in range(20000)))
    (place / "cut.gz").write_bytes(whole[:len(whole) // 2])
    code, out, _ = guarita(place, "scan", "cut.gz")
    assert code == CLEAN
    assert re.search(r"cut\.gz: read up to line [\d,]+ only: the archive is damaged or ends too early", out)
    assert objects(guarita(place, "scan", "--json", "cut.gz")[1])[-1]["unreadable"] == 1
    os.mkfifo(place / "pipe")
    assert "pipe: " in guarita(place, "scan", "auth.log", "pipe")[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who may not read")
def test_unreadable_file(place):
    (place / "secret.log").write_text("x\n")
    (place / "secret.log").chmod(0)
    os.chmod(place, 0o755)
    for up in list(place.parents)[:3]:
        os.chmod(up, os.stat(up).st_mode | 0o011)
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", GUARITA, "scan", "--rules", place / "rules", "secret.log"],
                          cwd=place, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == FAILED and "secret.log: Permission denied" in done.stderr


def test_nearest_words(place):
    near = {("scna", "x"): '"scna"; did you mean "scan"?', ("rules", "lst"): '"rules lst"; did you mean "rules list"?',
            ("scan", "--jsn", "x"): "--jsn; did you mean --json?", ("scan", "--sinse=1h", "x"): "did you mean --since?",
            ("help", "explian"): 'did you mean "explain"?', ("rules", "show", "scene-gessing"): 'did you mean "scene-guessing"?'}
    for args, words in near.items():
        code, out, err = guarita(place, *args)
        assert words in err and out == "", args
        assert code == (FAILED if args[1] == "show" else USAGE)
    # An option of another command is not taken either.
    assert guarita(place, "status", "--since", "1h")[0] == USAGE


def test_help_is_where_it_is_asked_for(place):
    for words in (["scan", "--help"], ["scan", "/nowhere", "-h"], ["vault", "verify", "--help"]):
        code, out, errors = guarita(place, *words)
        assert code == CLEAN and "usage: guarita " + words[0] in out and errors == ""
    code, out, errors = guarita(place, "vault")
    assert code == USAGE and "vault status" in errors and "vault prove" in errors and "scan" not in errors
    code, out, errors = guarita(place, "vault", "--help")
    assert code == CLEAN and "vault prove" in out
    # A file may be called so all the same.
    code, out, errors = guarita(place, "scan", "--", "--help")
    assert code == FAILED and "--help: No such file" in errors


def test_a_value_that_cannot_be_is_told_with_what_can(place):
    code, out, errors = guarita(place, "scan", "--since", "gestern", "auth.log")
    assert code == USAGE and '--since cannot be "gestern"' in errors and "2026-11-21" in errors
    assert "usage:" not in errors and len(errors.splitlines()) == 2


def test_what_does_without_a_configuration_asks_for_none(place):
    code, out, errors = guarita(place, "vpn", "last", "--file", "/nowhere")
    assert code == FAILED and "/nowhere" in errors and "--config" not in errors
    code, out, errors = guarita(place, "vpn", "test", "no-such-host.invalid")
    assert code != CLEAN and "FAILED" in out and "--config" not in errors


def test_rules(place):
    out = guarita(place, "rules", "list")[1]
    for name in ("scene-sshd", "scene-probe", "scene-guessing"):
        assert re.search(r"^(decoder|rule) +%s " % name, out, re.M)
    assert [r["name"] for r in objects(guarita(place, "rules", "list", "--json", "guess")[1])] == ["scene-guessing"]
    assert guarita(place, "rules", "show", "scene-guessing")[1].count("rule scene-guessing {\n    count 3 of auth.fail") == 1
    assert guarita(place, "rules", "test") == (CLEAN, "2 samples: 2 passed, 0 failed\n", "")
    # A decoder that fails its own sample is refused, with the place.
    broken = place / "rules" / "broken.rules"
    broken.write_text("decoder x {\n    program x;\n    line auth.fail 'no <src>';\n    sample 'yes 192.0.2.1' is auth.fail;\n}\n")
    for command in (["rules", "test"], ["scan", "auth.log"]):
        code, out, err = guarita(place, *command)
        assert code == FAILED and "broken.rules:4:" in err + out and "no line matches this sample" in err + out
    broken.write_text("decoder y {\n    program y;\n    lien auth.fail 'no <src>';\n}\n")
    code, out, err = guarita(place, "scan", "auth.log")
    assert code == FAILED and re.search(r"broken\.rules:3:5: error: .*lien", err) and "did you mean `line`?" in err


def test_check(place):
    config = place / "guarita.conf"
    config.write_text("site matriz;\nstate-dir %s/s;\nrun-dir %s/r;\nrules-dir %s/rules;\nudp 127.0.0.1:5514;\n" % (place, place, place))
    code, out, err = guarita(place, "check", "guarita.conf")
    assert code == CLEAN and err == "" and "site matriz: 1 source, 0 responses" in out and "guarita.conf: good" in out
    config.write_text(config.read_text() + "upd 127.0.0.1:5514;\nudp 127.0.0.1:99999;\nwatch { lateness 30x; }\n")
    code, out, err = guarita(place, "check", "guarita.conf")
    assert code == FAILED and out == ""
    # All faults, each with its place, what was meant, and what would be right.
    for words in ("guarita.conf:6:1: error: unknown word `upd`", "did you mean `udp`?", "guarita.conf:7:5: error",
                  "guarita.conf:8:18: error: `30x` is not a duration", "\n    ^^^\n", "example: lateness 5m;"):
        assert words in err
    config.write_text("site m;\nrules-dir %s/rules;\ntimezone Amerika/Sao_Paulo;\nudp 127.0.0.1:5514 { timezone America/Sao_Paula; }\n"
                      "vault %s/v { key file key; }\n" % (place, place))
    code, out, err = guarita(place, "check", "guarita.conf")
    assert code == FAILED and "guarita.conf:5:%d: error: `key` is no whole path" % (len("vault %s/v { key file k" % place)) in err
    config.write_text(config.read_text().replace("key file key;", ""))
    code, out, err = guarita(place, "check", "guarita.conf")
    assert code == FAILED and "guarita.conf:3:10: error: this machine knows no time zone `Amerika/Sao_Paulo`" in err
    assert "guarita.conf:4:31: error: this machine knows no time zone `America/Sao_Paula`" in err
    code, _, err = guarita(place, "check", "absent.conf")
    assert code == FAILED and "absent.conf cannot be used: No such file or directory" in err


def test_explain(place):
    line = fails()[0]
    for args, stdin in (([line], None), (line.split(" "), None), (["-"], line.encode() + b"\n")):
        code, out, err = guarita(place, "explain", *args, stdin=stdin)
        assert code == CLEAN and err == ""
        for words in (r"kind +auth\.fail", r"hostile +yes", r"decoder +scene-sshd \(.*scene\.rules:4\)", r"src +192\.0\.2\.1",
                      r"program +sshd", r"scene-guessing +1 of 3"):
            assert re.search(words, out), words
    out = guarita(place, "explain", "2026-11-20T10:00:00Z gw sshd[1]: Failed password for root from 192.0.2.7 port x ssh2")[1]
    assert re.search(r"kind +unknown", out) and "Nearly" in out and "scene-sshd" in out and re.search(r"wanted [ -~]+ but found .*port x ssh2", out)
    # The word of an option is explained as such, wherever it stands.
    out = guarita(place, "explain", "lateness")[1]
    assert "watch.lateness" in out and "lateness DURATION" in out and "default:  60s" in out
    assert guarita(place, "explain", "watch.lateness")[1] in out
    assert "udp ADDRESS:PORT" in guarita(place, "explain", "udp")[1]


def test_output_may_be_closed_early(place):
    """As by head: no crash, no complaint."""
    (place / "many.log").write_text("\n".join(HOME % (i % 60, "root", "192.0.2.%d" % (i % 250 + 1), 1) for i in range(50000)))
    done = subprocess.run("%s decode --json many.log | head -1" % GUARITA, shell=True, cwd=place, capture_output=True, timeout=LIMIT,
                          env=dict(os.environ, GUARITA_RULES=str(place / "rules")))
    assert done.stdout.count(b"\n") == 1 and done.stderr == b""


ABSENT = """kind scene.stop { severity medium; help "x"; }
kind scene.start { help "x"; }
decoder scene { program scene; line scene.stop 'stop'; line scene.start 'start'; }
rule scene-stopped { title "x"; sequence scene.stop then not scene.start by host within 10m; open scene.stop; say "{host} stopped"; }
"""


@pytest.mark.parametrize("told, last", [(True, 30), (False, 1)], ids=["time went on", "its time is not over"])
def test_what_never_followed_the_last_line_is_told(tmp_path, told, last):
    """The logs end, their time does not: what should have come within its time and did not was absent."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "scene.rules").write_text(ABSENT)
    when = (datetime.now(timezone.utc) - timedelta(minutes=last)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (tmp_path / "a.log").write_text(f"{when} gw scene[1]: stop\n")
    code, out, _ = guarita(tmp_path, "scan", "--json", "a.log")
    rows = [json.loads(row) for row in out.splitlines()]
    assert (code == INCIDENTS) is told
    assert [row["incident"] for row in rows[:-1]] == (["scene.stop"] if told else [])


def test_a_log_with_room_that_a_crash_left_is_read(place):
    """NUL bytes in a run, and a line right behind them; a file of other bytes is no log for all that."""
    line = (HOME % (1, "root", "192.0.2.1", 1000)).encode() + b"\n"
    (place / "crashed.log").write_bytes(line * 2 + b"\0" * 2048 + line * 2)
    (place / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(range(32)) * 100 + b"\n")
    code, out, _ = guarita(place, "decode", "--json", "crashed.log")
    assert code == 0 and [json.loads(row)["kind"] for row in out.splitlines()] == ["auth.fail"] * 4
    code, out, err = guarita(place, "decode", "--json", "program")
    assert code == FAILED and not out and "program: not a text log (binary)" in err and "nothing could be read" in err
