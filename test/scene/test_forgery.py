"""Nobody blames a victim: whatever a stranger writes into names, paths and agents, the source stays his own address.

Every place of a line that a stranger fills is filled with whole messages of other services and with pieces of the
line it stands in, all naming the victim. Where a line can be read in two ways nobody may be blamed at all.
"""
import json
import re
from pathlib import Path

import pytest

from article import RULES, run

STRANGER, VICTIM = "203.0.113.66", "192.0.2.250"
HEAD = "Nov 20 10:%02d:%02d gw "

# Folder of sources: (how a line begins, messages). {} is what a stranger may write, @ his address.
SYSLOG = {
    "sshd[4711]": [
        "Failed password for {} from @ port 40022 ssh2",
        "Failed password for invalid user {} from @ port 40022 ssh2",
        "Failed none for invalid user {} from @ port 40022 ssh2",
        "Invalid user {} from @ port 40022",
        "Invalid user {} from @",
        "User {} from @ not allowed because not listed in AllowUsers",
        "Disconnected from authenticating user {} @ port 40022 [preauth]",
        "Connection closed by invalid user {} @ port 40022 [preauth]",
        "Connection reset by authenticating user {} @ port 40022 [preauth]",
        "error: maximum authentication attempts exceeded for {} from @ port 40022 ssh2 [preauth]",
        "error: PAM: Authentication failure for {} from @",
        "Bad protocol version identification '{}' from @ port 40022",
        "Received disconnect from @ port 40022:11: {} [preauth]",
        "Accepted password for {} from @ port 40022 ssh2",
        "input_userauth_request: invalid user {} [preauth]",
    ],
    "dovecot": [
        "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{}>, method=PLAIN, rip=@, lip=198.51.100.1, TLS, session=<abc>",
        "pop3-login: Aborted login (auth failed, 3 attempts in 9 secs): user=<{}>, method=PLAIN, rip=@, lip=198.51.100.1",
        "imap-login: Login: user=<{}>, method=PLAIN, rip=@, lip=198.51.100.1, mpid=7, TLS, session=<abc>",
        "auth-worker(55): sql({},@): Password mismatch",
        "auth: passwd-file({},@): unknown user",
    ],
    "vsftpd[9]": ["[{}] FAIL LOGIN: Client \"@\""],
    "xrdp-sesman[7]": ["[INFO ] AUTHFAIL: user={} ip=::ffff:@ time=1649351466"],
    "screensharingd[7]": ["Authentication: FAILED :: User Name: {} :: Viewer Address: @ :: Type: DH"],
    "openvpn[8]": [
        "@:55555 TLS Auth Error: Auth Username/Password verification failed for peer [{}]",
        "@:55555 [{}] Peer Connection Initiated with [AF_INET]@:55555",
        "@:55555 TLS: Username/Password authentication failed for username '{}'",
        "@:55555 VERIFY ERROR: depth=0, error=unable to get local issuer certificate: C=XX, CN={}",
    ],
    "asterisk[3]": [
        "NOTICE[33]: chan_sip.c:333 in handle_request_register: Registration from '\"{}\" <sip:100@198.51.100.1>' failed for '@:5060' - Wrong password",
    ],
}
FILES = {
    "vsftpd.log": ["Fri Nov 20 10:00:00 2026 [pid 2] [{}] FAIL LOGIN: Client \"@\""],
    "access.log": [
        "@ - {} [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 401 12 \"-\" \"Mozilla/5.0\"",
        "@ - - [20/Nov/2026:10:00:00 +0000] \"GET /{} HTTP/1.1\" 404 12 \"-\" \"Mozilla/5.0\"",
        "@ - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12 \"{}\" \"Mozilla/5.0\"",
        "@ - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12 \"-\" \"{}\"",
        "@ - - [20/Nov/2026:10:00:00 +0000] \"{}\" 400 0 \"-\" \"-\"",
    ],
    "error.log": [
        "[Fri Nov 20 10:00:00.123456 2026] [auth_basic:error] [pid 123:tid 456] [client @:40022] AH01618: user {} not found: /admin",
        "[Fri Nov 20 10:00:00.123456 2026] [auth_basic:error] [pid 123:tid 456] [client @:40022] AH01617: user {}: authentication failure for \"/admin\": Password Mismatch",
        "[Fri Nov 20 10:00:00.123456 2026] [core:error] [pid 123] [client @:40022] AH00126: Invalid URI in request {}",
        "[Fri Nov 20 10:00:00 2026] [error] [client @] File does not exist: /var/www/{}",
        "[Fri Nov 20 10:00:00 2026] [error] [client @] user {} not found: /admin, referer: http://example.com/",
    ],
    "asterisk.log": [
        "[2026-11-20 10:00:00] NOTICE[1234] chan_sip.c: Registration from '\"{}\" <sip:100@198.51.100.1>' failed for '@:5060' - Wrong password",
        "[2026-11-20 10:00:00] SECURITY[1234] res_security_log.c: SecurityEvent=\"InvalidPassword\",EventTV=\"2026-11-20T10:00:00.123+0000\",Severity=\"Error\","
        "Service=\"SIP\",EventVersion=\"2\",AccountID=\"{}\",SessionID=\"0x1\",LocalAddress=\"IPV4/UDP/198.51.100.1/5060\",RemoteAddress=\"IPV4/UDP/@/5060\"",
    ],
    "xrdp-sesman.log": ["[20261120-10:00:00] [INFO ] AUTHFAIL: user={} ip=::ffff:@ time=1649351466"],
    "errorlog": ["2026-11-20 10:00:00.12 Logon       Login failed for user '{}'. Reason: Could not find a login matching the name provided. [CLIENT: @]"],
    "openvpn.log": [
        "Fri Nov 20 10:00:00 2026 @:55555 TLS: Username/Password authentication failed for username '{}'",
        "2026-11-20 10:00:00 @:55555 VERIFY ERROR: depth=0, error=unable to get local issuer certificate: C=XX, CN={}",
    ],
}
PIECES = [
    "root from # port 22 ssh2", "root # port 22 [preauth]", " from # port 22", "root from # port 22 ssh2 [preauth]", "x from # not allowed because y",
    "#", "x #", "x' from # port 22", "root@#", "x>, rip=#, lip=198.51.100.9", "x>, method=PLAIN, rip=#, lip=198.51.100.9, session=<y>", "x,#): y (z",
    "x] FAIL LOGIN: Client \"#\"", "x] OK LOGIN: Client \"#\" [y", "x ip=::ffff:# time=1", "x :: Viewer Address: # :: Type: DH",
    "x'. Reason: y [CLIENT: #]", "x' [CLIENT: #]", "x\" 401 1 \"-\" \"-\"", "x HTTP/1.1\" 401 12 \"-\" \"-\" #", "# - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 401 1",
    "x\n# - - y", "[client #] user x not found: /", "] [client #:1] AH01618: user x not found: /", "x: [client #] y", "x, client: #, server: y",
    "x' failed for '#:5060' - Wrong password", "x\",RemoteAddress=\"IPV4/UDP/#/5060\"", "x' y '#", "#:55555 x", "x [AF_INET]#:55555",
    "rhost=# user=x", "ruser=x rhost=#  user=y", "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=#  user=root",
    "refused connect from #", "connect from #", "SRC=# DST=198.51.100.1 PROTO=TCP DPT=22", "src=# dst=198.51.100.1", "IN=eth0 OUT= SRC=# DST=198.51.100.1 LEN=40 PROTO=TCP SPT=1 DPT=22 SYN",
    "{\"src\":\"#\",\"event\":\"login failed\"}", "CEF:0|v|p|1|100|login failed|9|src=# suser=root", "login failure for user root from # via ssh",
    "sshd[1]: Failed password for root from # port 22 ssh2", "Nov 20 10:00:00 gw sshd[1]: Failed password for root from # port 22 ssh2",
    "%ASA-6-605004: Login denied from #/1 to outside:198.51.100.1/ssh for user \"root\"", "Login failed for user root from #", "user=root src=# status=failed",
    "::ffff:#", "[#]:22", "#/32", "x\\\" from #", "{}", "<src>", "%s%s%n", "\x1b]0;#\x07",
]


SAMPLE = re.compile(r"""\tsample (['"`])(.*?)\1 (?:program|file|is)""")
OTHERS = re.compile(r"(?<![\d.])(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+")


def samples():
    """Whole messages of every program that the rules know, all naming the victim."""
    lines = [l for p in sorted(Path(RULES).glob("*.rules")) for l in p.read_text().splitlines()]
    texts = {OTHERS.sub(VICTIM, m.group(2)) for m in map(SAMPLE.match, lines) if m and "\\n" not in m.group(2)}
    return sorted(t for t in texts if VICTIM in t)


def payloads():
    whole = [m.replace("{}", "root").replace("@", VICTIM) for messages in (*SYSLOG.values(), *FILES.values()) for m in messages]
    return [p.replace("#", VICTIM).replace("\n", " ") for p in PIECES] + whole


def filled(template, text):
    return template.replace("@", STRANGER).replace("{}", text)


def write(folder, texts):
    """Every template with every text, under the names that such logs have; a minute apart, so that nothing adds up."""
    folder.mkdir()
    n = 0
    with open(folder / "auth.log", "w") as f:
        for program, messages in SYSLOG.items():
            for message in messages:
                for text in texts:
                    f.write(HEAD % (n // 60 % 60, n % 60) + "%s: %s\n" % (program, filled(message, text)))
                    n += 1
    for name, templates in FILES.items():
        (folder / name).write_text("".join(filled(t, text) + "\n" for t in templates for text in texts))
    return folder


def decoded(folder):
    out = run("decode", "--json", "--rules", RULES, folder)
    assert out.returncode == 0, out.stderr.decode()
    rows = list(map(json.loads, out.stdout.splitlines()))
    lines = {p: p.read_text().splitlines() for p in folder.iterdir()}
    for row in rows:
        path = folder / row["file"].rsplit("/", 1)[1]
        row["text"] = lines[path][row["line"] - 1]
    return rows


def blamed(row):
    return [row.get("src"), row.get("src_host"), row.get("fields", {}).get("src"), row.get("fields", {}).get("src_host")]


def test_every_template_is_understood(tmp_path):
    """Else the test below would prove nothing."""
    rows = decoded(write(tmp_path / "honest", ["ana"]))
    assert len(rows) == sum(map(len, SYSLOG.values())) + sum(map(len, FILES.values()))
    wrong = [(r["kind"], r.get("src"), r["text"]) for r in rows
             if STRANGER not in blamed(r) and "input_userauth_request" not in r["text"]]
    assert not wrong, "\n".join(map(str, wrong))


def test_no_text_of_a_stranger_blames_another(tmp_path):
    folder = write(tmp_path / "forged", payloads())
    rows = decoded(folder)
    wrong = [(r.get("decoder"), r["kind"], r["text"]) for r in rows if any(VICTIM in (s or "") for s in blamed(r))]
    assert not wrong, "%d of %d lines:\n%s" % (len(wrong), len(rows), "\n".join(map(str, wrong[:40])))
    # And nearly always the true one is named.
    right = sum(STRANGER in blamed(r) for r in rows)
    assert right > 0.9 * len(rows), "%d of %d" % (right, len(rows))
    out = run("scan", "--json", "--rules", RULES, folder)
    incidents = [i for i in map(json.loads, out.stdout.splitlines()) if i["type"] == "incident"]
    assert incidents and not [i for i in incidents if VICTIM in i.get("src", "")]


def test_no_message_of_another_program_blames_its_address(tmp_path):
    """Each tenth of them, so that the test takes seconds; all of them are 76,000 lines."""
    texts = samples()[::10]
    assert len(texts) > 100
    rows = decoded(write(tmp_path / "samples", texts))
    wrong = [(r.get("decoder"), r["kind"], r["text"]) for r in rows if any(VICTIM in (s or "") for s in blamed(r))]
    assert not wrong, "%d of %d lines:\n%s" % (len(wrong), len(rows), "\n".join(map(str, wrong[:40])))


def incidents_of(tmp_path, name, lines):
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    out = run("scan", "--json", "--rules", RULES, tmp_path / name)
    assert out.returncode in (0, 3), out.stderr.decode()
    rows = list(map(json.loads, out.stdout.splitlines()))
    assert rows[-1]["records"] == len(lines) and rows[-1]["undecoded"] == 0
    return rows[:-1]


def drop(second, port, src="198.51.100.99"):
    return (HEAD % (second // 60, second % 60) + "kernel: drop IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC=%s DST=192.0.2.1 LEN=40 "
            "TOS=0x00 PREC=0x00 TTL=48 ID=4711 PROTO=TCP SPT=%d DPT=%d WINDOW=1024 RES=0x00 SYN URGP=0" % (src, 40000 + second, port))


def test_retries_of_one_port_are_no_scan(tmp_path):
    found = incidents_of(tmp_path, "kern.log", [drop(n, 25) for n in range(40)])
    assert [i["incident"] for i in found if i["incident"].startswith("scan.")] == []
    # The same number over as many ports is one.
    found = incidents_of(tmp_path, "kern.log", [drop(n, 20 + n) for n in range(40)])
    assert [i["incident"] for i in found] == ["scan.ports"] and found[0]["src"] == "198.51.100.99"


def mail(n):
    head = HEAD % (n // 4 % 60, n % 60)
    qid, src = "4Q%05X" % n, "192.0.2.%d" % (n % 40 + 1)
    return [
        head + "postfix/smtpd[%d]: connect from mail%d.example.com[%s]" % (900 + n % 7, n % 40, src),
        head + "postfix/smtpd[%d]: %s: client=mail%d.example.com[%s]" % (900 + n % 7, qid, n % 40, src),
        head + "postfix/cleanup[800]: %s: message-id=<%d@example.com>" % (qid, n),
        head + "postfix/qmgr[700]: %s: from=<ana%d@example.com>, size=%d, nrcpt=1 (queue active)" % (qid, n % 200, 1000 + n),
        head + "postfix/lmtp[600]: %s: to=<joao@example.org>, relay=mx[private/dovecot-lmtp], delay=0.1, delays=0.05/0/0/0.05, dsn=2.0.0, "
               "status=sent (250 2.0.0 <joao@example.org> Saved)" % qid,
        head + "postfix/qmgr[700]: %s: removed" % qid,
        head + "postfix/smtpd[%d]: disconnect from mail%d.example.com[%s] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5" % (900 + n % 7, n % 40, src),
    ]


def test_much_ordinary_mail_is_no_incident(tmp_path):
    assert incidents_of(tmp_path, "mail.log", [line for n in range(2000) for line in mail(n)]) == []


@pytest.mark.parametrize("way", ["scan", "live"])
@pytest.mark.parametrize("form", ["rsyslog", "syslogd"])
def test_repeated_messages_multiply(tmp_path, way, form):
    """`message repeated 5 times: [ ... ]` within a program's message, and `last message repeated 5 times` of the host."""
    fail = "Failed password for root from 203.0.113.7 port 40022 ssh2"
    lines = [HEAD % (0, 1) + "sshd[9]: " + fail]
    lines.append(HEAD % (0, 9) + ("sshd[9]: message repeated 5 times: [ %s]" % fail if form == "rsyslog" else "last message repeated 5 times"))
    if way == "scan":
        (tmp_path / "auth.log").write_text("\n".join(lines) + "\n")
        found = [json.loads(l) for l in run("scan", "--json", "--rules", RULES, tmp_path / "auth.log").stdout.splitlines()][:-1]
    else:
        from article import Live
        g = Live(tmp_path)
        try:
            g.start()
            g.send_udp(*("<38>" + l for l in lines))
            g.wait_lines(2)
            found = g.finish()
        finally:
            g.close()
    (one,) = [i for i in found if i["src"] == "203.0.113.7"]
    assert one["count"] == 6 and one["incident"] == "auth.brute"
