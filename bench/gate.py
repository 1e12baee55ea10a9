#!/usr/bin/python3
"""Speed of the gate, beside nft itself on the same rules and elements, in a network namespace of its own.

usage: gate.py [BUILD [PART]...]

Prints wall and processor time (on a busy machine only the latter means something) and the ratio to the peer:
  rules     a whole configuration of 1,000 and 10,000 statements, from file to kernel, first and again
  bans      100,000 bans of before brought into force at the start; one more ban beside them
  plan      `guarita plan` of a change beside 1,000 statements
  start     the article's matriz and filial from nothing to forwarding; what all processes at rest hold in memory
  line      from the line that makes an attack complete, written to a log, to the element in the kernel
  load      the same while another log grows by 100,000 lines a second
  fail2ban  the same with fail2ban, where it is installed
  crowdsec  the same with CrowdSec and its firewall bouncer, where they are installed: as packaged (the bouncer asks every
            10 s), and asking every second
  zones     what forwarding a packet costs its sender on this machine where there are 2, 20 and 100 zones: of a running flow, and the
            first of one; it comes from the last zone
  peek      one packet looked at by the file sharing classifier (bench/peek.c)
Needs root, nft and ip. Nothing outside the namespace is touched.
"""
import os
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
NETD, GUARITAD, GUARITA = BUILD / "src/role/netd", BUILD / "src/main/guaritad", BUILD / "src/main/guarita"
NS = "gbench%d" % os.getpid()
HEAD = "state-dir %s/state; run-dir %s/run; rules-dir %s/rules;\ninterface wan { zone internet; }\ninterface lan;\n"
RULES = """
decoder bench { program sshd; line auth.fail 'Failed password for <user> from <src> port <src_port> ssh2';
  sample 'Failed password for root from 192.0.2.7 port 5 ssh2' is auth.fail { src 192.0.2.7; } }
rule bench { count 3 of auth.fail by src within 10m; open auth.brute; say "{count} failed logins from {src}"; }
"""


def inside(*words):
    return ["ip", "netns", "exec", NS, *map(str, words)]


def timed(*words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(inside(*words), check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def show(what, ours, peer=None):
    line = "%-34s %8.1f ms wall %8.1f ms cpu" % (what, *ours)
    if peer:
        line += "   nft %8.1f ms wall %8.1f ms cpu   ratio %.2f" % (*peer, ours[1] / peer[1])
    print(line, flush=True)


def config(folder, more):
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "bench.rules").write_text(RULES)
    path = folder / "guarita.conf"
    path.write_text(HEAD % (folder, folder, folder) + more)
    return path


def bench_rules(folder):
    for n in (1000, 10000):
        path = config(folder, "".join("allow 10.%d.%d.0/24 to internet tcp/%d;\n" % (i // 250, i % 250, 1 + i) for i in range(n)))
        plain = folder / "plain.nft"
        with open(plain, "w") as f:
            f.write("add table inet peer\nadd chain inet peer f { type filter hook forward priority 0; }\nflush chain inet peer f\n")
            f.write("table inet peer {\nchain f {\n")
            f.write("".join('oifname "wan" ip saddr 10.%d.%d.0/24 tcp dport %d counter accept\n' % (i // 250, i % 250, 1 + i)
                            for i in range(n)))
            f.write("}\n}\n")
        for which in ("first", "again"):
            show("rules %d, %s" % (n, which), timed(NETD, "--config", path, "--once"), timed("nft", "-f", plain))
        subprocess.run(inside("nft", "flush", "ruleset"), check=True)


def wait_for(path, pattern):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = re.search(pattern, path.read_text()) if path.exists() else None
        if found:
            return found
        time.sleep(0.002)
    raise SystemExit("waited for %s in %s:\n%s" % (pattern, path, path.read_text()))


def rss(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/%d/status" % pid).read_text()).group(1))


def cpu(pid):
    fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def bench_bans(folder):
    n = 100000
    path = config(folder, "")
    (folder / "state" / "gate").mkdir(parents=True)
    until = int((time.time() + 86400) * 1e6)
    with open(folder / "state" / "gate" / "bans", "w") as f:
        f.write("".join("+ 20.%d.%d.%d - 1 %d 1 7 five failed logins\n" % (i >> 16, i >> 8 & 255, i & 255, until) for i in range(n)))
    plain = folder / "plain.nft"
    with open(plain, "w") as f:
        f.write("add table inet peer\nadd set inet peer b { type ipv4_addr; flags timeout; }\nadd element inet peer b {\n")
        f.write(",\n".join("20.%d.%d.%d timeout 1d" % (i >> 16, i >> 8 & 255, i & 255) for i in range(n)) + "}\n")
    log = folder / "netd.log"
    began = time.monotonic()
    p = subprocess.Popen(inside(NETD, "--config", path), stderr=open(log, "w"))
    wait_for(log, "rules are in force")
    ours = ((time.monotonic() - began) * 1000, cpu(p.pid))
    print("netd with %d bans: %d kB" % (n, rss(p.pid)))
    p.send_signal(signal.SIGTERM)
    p.wait()
    show("start with %d bans" % n, ours, timed("nft", "-f", plain))
    subprocess.run(inside("nft", "delete", "table", "inet", "peer"), check=True)


LISTENER = """
import os, socket, struct, sys, time
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind((0, 1 << 6))
print("listening", flush=True)
while True:
    data = s.recv(65536)
    at = time.monotonic_ns()
    kind = struct.unpack_from("=H", data, 4)[0]
    if kind == (10 << 8 | 12):
        print(at, flush=True)
"""


def ask(control, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(control))
        s.sendall(line.encode() + b"\n")
        return s.makefile().readline()


def percentiles(name, values):
    values = sorted(values)
    print("%-34s p50 %.3f ms  p99 %.3f ms  worst %.3f ms  of %d" % (
        name, statistics.median(values), values[int(len(values) * 0.99) - 1], values[-1], len(values)), flush=True)


def pss(pid):
    """What a process alone holds, and its part of what it shares."""
    return int(re.search(r"^Pss:\s+(\d+)", Path("/proc/%d/smaps_rollup" % pid).read_text(), re.M).group(1))


def children(g):
    return [int(p) for p in subprocess.run(["pgrep", "-P", str(g.pid)], capture_output=True, text=True).stdout.split()] + [g.pid]


def listen():
    listener = subprocess.Popen(inside("/usr/bin/python3", "-c", LISTENER), stdout=subprocess.PIPE, text=True)
    listener.stdout.readline()
    return listener


def end(*processes):
    for p in processes:
        p.terminate()
        p.wait()


def bench_plan(folder):
    statements = "".join("allow 10.%d.%d.0/24 to internet tcp/%d;\n" % (i // 250, i % 250, 1 + i) for i in range(1000))
    path = config(folder, statements)
    out = folder / "guaritad.log"
    g = subprocess.Popen(inside(GUARITAD, "--config", path), stdout=open(out, "w"), stderr=subprocess.STDOUT)
    wait_for(out, "ready:")
    config(folder, statements + "deny 10.0.0.0/8 to internet tcp/25;\n")
    took = sorted(timed(GUARITA, "plan", "--plain", "--config", path) for _ in range(10))
    show("plan, 1000 rules and one more", took[len(took) // 2])
    end(g)


def bench_start(folder):
    for name in ("matriz", "filial"):
        text = (ROOT / "etc" / (name + ".conf")).read_text().replace("/var/log", str(folder))
        path = folder / (name + ".conf")
        own = "state-dir %s/%s; run-dir %s/run; rules-dir %s;\n" % (folder, name, folder, ROOT / "rules")
        path.write_text(own + text)
        show("%s.conf from nothing to forwarding" % name, timed(NETD, "--config", path, "--once"))
        out = folder / (name + ".log")
        began = time.monotonic()
        g = subprocess.Popen(inside(GUARITAD, "--config", path), stdout=open(out, "w"), stderr=subprocess.STDOUT)
        wait_for(out, "rules are in force")
        forwarding = (time.monotonic() - began) * 1000
        wait_for(out, "ready:")
        print("%-34s %8.1f ms wall, all ready after %.1f ms" % ("guaritad with %s.conf: forwarding" % name, forwarding,
                                                                (time.monotonic() - began) * 1000))
        time.sleep(3)
        held = {Path("/proc/%d/comm" % p).read_text().strip(): pss(p) for p in children(g)}
        print("%-34s %8.1f MB: %s" % ("all processes at rest", sum(held.values()) / 1024,
                                      ", ".join("%s %.1f" % (k, v / 1024) for k, v in sorted(held.items()))), flush=True)
        end(g)
        subprocess.run(inside(NETD, "--config", path, "--release"), check=True)


# A log of ordinary lines that grows by a thousand every hundredth of a second.
WRITER = """
import sys, time
block = b"".join(b"%s gate cron[%d]: (root) CMD (run-parts /etc/cron.hourly)\\n" % (time.strftime("%b %e %H:%M:%S").encode(), i)
                 for i in range(1000))
with open(sys.argv[1], "ab", buffering=0) as f:
    began, n = time.monotonic(), 0
    while True:
        f.write(block)
        n += 1
        time.sleep(max(0, began + n / 100 - time.monotonic()))
"""


def bench_load(folder):
    (folder / "logs").mkdir()
    writer = subprocess.Popen(["/usr/bin/python3", "-c", WRITER, str(folder / "logs" / "load.log")])
    try:
        bench_line(folder, what="line to kernel at 100,000 lines/s")
    finally:
        end(writer)


JAIL = """[DEFAULT]
banaction = nftables[type=allports]
backend = %s
usedns = no
ignoreself = false
[sshd]
enabled = true
port = ssh
filter = sshd
logpath = %s
maxretry = 3
findtime = 10m
bantime = 1h
"""


def bench_fail2ban(folder, rounds=30):
    if not shutil.which("fail2ban-server"):
        print("fail2ban is not installed")
        return
    conf, log = folder / "fail2ban", folder / "auth.log"
    shutil.copytree("/etc/fail2ban", conf)
    shutil.rmtree(conf / "jail.d")
    backend = "pyinotify" if subprocess.run(["/usr/bin/python3", "-c", "import pyinotify"], capture_output=True).returncode == 0 else "polling"
    (conf / "jail.local").write_text(JAIL % (backend, log))
    (conf / "fail2ban.local").write_text("[DEFAULT]\nlogtarget = %s/log\nsocket = %s/sock\npidfile = %s/pid\ndbfile = None\n" % ((folder,) * 3))
    log.touch()
    server = subprocess.Popen(inside("fail2ban-server", "-c", conf, "-f", "start"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(folder / "log", "Jail 'sshd' started")
    listener = listen()
    took = attacks(log, listener, rounds, pause=2.5)
    percentiles("fail2ban (%s), line to kernel" % backend, took[1:])
    end(listener, server)


CROWDSEC = """
common: {{ daemonize: false, log_media: stdout, log_level: warning, working_dir: . }}
config_paths:
  config_dir: {0}/
  data_dir: {0}/data/
  simulation_path: {0}/simulation.yaml
  hub_dir: {0}/hub/
  index_path: {0}/hub/.index.json
  plugin_dir: {0}/plugins/
  notification_dir: {0}/notifications/
crowdsec_service: {{ acquisition_path: {0}/acquis.yaml, parser_routines: 1 }}
cscli: {{ output: human }}
db_config: {{ type: sqlite, db_path: {0}/data/crowdsec.db }}
api:
  client: {{ insecure_skip_verify: false, credentials_path: {0}/credentials.yaml }}
  server: {{ listen_uri: "127.0.0.1:8080", profiles_path: {0}/profiles.yaml, log_level: warning }}
prometheus: {{ enabled: false }}
"""
BOUNCER = """
mode: nftables
update_frequency: {every}
daemonize: false
log_mode: stdout
log_level: warning
api_url: "http://127.0.0.1:8080/"
api_key: {key}
disable_ipv6: true
deny_action: DROP
supported_decisions_types: [ban]
nftables: {{ ipv4: {{ enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain }}, ipv6: {{ enabled: false }} }}
"""
# What Debian's package enables for sshd, out of the hub that comes with it.
CROWDSEC_PARTS = ("parsers/s00-raw/crowdsecurity/syslog-logs.yaml", "parsers/s01-parse/crowdsecurity/sshd-logs.yaml",
                  "parsers/s02-enrich/crowdsecurity/dateparse-enrich.yaml", "scenarios/crowdsecurity/ssh-bf.yaml")


def crowdsec_at(conf, log):
    """Its configuration in a folder of its own, with the packaged parser and scenario, but after three failures as the others."""
    found = Path(shutil.which("crowdsec")).resolve().parent.parent
    shutil.copytree(found / "share/crowdsec/hub", conf / "hub")
    for part in CROWDSEC_PARTS:
        place = conf / Path(part).parent.parent / Path(part).name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text((conf / "hub" / part).read_text().replace("capacity: 5", "capacity: 2"))
    etc = next(p for p in (found.parent / "etc/crowdsec", Path("/etc/crowdsec")) if (p / "patterns").is_dir())
    shutil.copytree(etc / "patterns", conf / "patterns")
    for name in ("data", "plugins", "notifications"):
        (conf / name).mkdir()
    for name in ("profiles.yaml", "simulation.yaml"):
        shutil.copy(etc / name, conf / name)
    (conf / "acquis.yaml").write_text("filenames: [%s]\nlabels: { type: syslog }\n" % log)
    (conf / "config.yaml").write_text(CROWDSEC.format(conf))
    (conf / "credentials.yaml").touch()


def bench_crowdsec(folder):
    if not shutil.which("crowdsec") or not shutil.which("crowdsec-firewall-bouncer"):
        print("crowdsec or its firewall bouncer is not installed")
        return
    conf, log = folder / "crowdsec", folder / "auth.log"
    conf.mkdir()
    crowdsec_at(conf, log)
    log.touch()
    subprocess.run(inside("ip", "link", "set", "lo", "up"), check=True)
    cscli = ("cscli", "-c", conf / "config.yaml")
    subprocess.run(inside(*cscli, "machines", "add", "bench", "--force", "--password", "bench-only"), check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    key = subprocess.run(inside(*cscli, "bouncers", "add", "bench", "-o", "raw"), check=True, capture_output=True, text=True).stdout.strip()
    server = subprocess.Popen(inside("crowdsec", "-c", conf / "config.yaml"), stdout=open(folder / "crowdsec.log", "w"), stderr=subprocess.STDOUT)
    wait_for(folder / "crowdsec.log", r"Loaded \d+ scenarios")
    time.sleep(2)      # it reads files from where they end when it comes to them
    for every, rounds in (("10s", 6), ("1s", 20)):
        (conf / "bouncer.yaml").write_text(BOUNCER.format(every=every, key=key))
        bouncer = subprocess.Popen(inside("crowdsec-firewall-bouncer", "-c", conf / "bouncer.yaml"),
                                   stdout=open(folder / "bouncer.log", "w"), stderr=subprocess.STDOUT)
        time.sleep(3)
        listener = listen()
        percentiles("crowdsec (asked every %s), line to kernel" % every,
                    attacks(log, listener, rounds, pause=0.7, first=1 if every == "10s" else 100))
        end(listener, bouncer)
    end(server)


def attacks(path, listener, rounds, pause, first=1):
    """Three failed logins each from a new address; from the third written to the element in the kernel."""
    took = []
    with open(path, "ab", buffering=0) as log:
        for i in range(rounds):
            stamp = time.strftime("%b %e %H:%M:%S").encode()
            line = stamp + b" gate sshd[7]: Failed password for root from 198.51.100.%d port 4242 ssh2\n" % (i + first)
            log.write(line + line)
            time.sleep(pause)
            began = time.monotonic_ns()
            log.write(line)
            if not select.select([listener.stdout], [], [], 60)[0]:
                raise SystemExit("no ban within a minute of: %s" % line)
            took.append((int(listener.stdout.readline()) - began) / 1e6)
    return took


SENDER = """
import socket, time
def cost(sockets, each):
    began = time.process_time()
    for s in sockets:
        for _ in range(each):
            s.send(b"x")
    return (time.process_time() - began) / len(sockets) / each * 1e9
def sockets(n):
    all = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(n)]
    for s in all:
        s.connect(("203.0.113.9", 5000))
    return all
old = sockets(1)
cost(old, 1)
print(min(cost(old, 20000) for _ in range(5)), min(cost(sockets(900), 1) for _ in range(5)))
"""


def bench_zones(folder):
    inner, outer = NS + "i", NS + "o"
    for n in (2, 20, 100):
        for ns in (inner, outer):
            subprocess.run(["ip", "netns", "add", ns], check=True)
        try:
            print("%3d zones: %.0f ns a packet of a running flow, %.0f ns the first one" % (n, *cost_of_zones(folder, n, inner, outer)), flush=True)
        finally:
            for ns in (inner, outer):
                subprocess.run(["ip", "netns", "del", ns], check=True)
            for i in range(n - 1):
                subprocess.run(["ip", "-n", NS, "link", "del", "z%d" % i], check=False)
            subprocess.run(inside("nft", "flush", "ruleset"), check=True)


def cost_of_zones(folder, n, inner, outer):
    def ip(ns, *lines):
        for line in lines:
            subprocess.run(["ip", "-n", ns, *line.split()], check=True)

    ip(NS, "link add zout type veth peer name eth0 netns " + outer, "link add z%d type veth peer name eth0 netns %s" % (n - 1, inner),
       *("link add z%d type bridge" % i for i in range(n - 1)))
    more = "interface zout { zone outer; address 203.0.113.2/24; }\n"
    more += "".join("interface z%d { zone zone%d; address 10.%d.0.1/24; }\n" % (i, i, i + 1) for i in range(n))
    more += "".join("allow zone%d to outer udp/5000, tcp/443;\nallow zone%d to gateway dns;\n" % (i, i) for i in range(n))
    subprocess.run(inside(NETD, "--config", config(folder, more), "--once"), check=True)
    ip(inner, "link set eth0 up", "addr add 10.%d.0.9/24 dev eth0" % n, "route add default via 10.%d.0.1" % n)
    ip(outer, "link set eth0 up", "addr add 203.0.113.9/24 dev eth0")
    # What arrives is thrown away at once: only the way there counts.
    subprocess.run(["ip", "netns", "exec", outer, "nft", "add table ip sink; add chain ip sink in { type filter hook prerouting priority -400; "
                    "policy drop; }"], check=True)
    done = subprocess.run(["ip", "netns", "exec", inner, "/usr/bin/python3", "-c", SENDER], check=True, capture_output=True, text=True)
    return map(float, done.stdout.split())


def bench_peek(folder):
    program = BUILD / "bench" / "bench-peek"
    if not program.exists():
        subprocess.run(["ninja", "-C", BUILD, "bench/bench-peek"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([program], check=True)


def bench_line(folder, rounds=200, what="line written to element in kernel"):
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    path = config(folder, 'files "%s/*.log" { from start; }\nwatch { lateness 0s; }\nrespond keep-out { on severity low; ban 1h; }\n' % logs)
    out = folder / "guaritad.log"
    g = subprocess.Popen(inside(GUARITAD, "--config", path), stdout=open(out, "w"), stderr=subprocess.STDOUT)
    wait_for(out, "ready:")
    time.sleep(1)
    listener = listen()
    percentiles(what, attacks(logs / "auth.log", listener, rounds, pause=0.05))
    took = []
    control = folder / "run" / "control"
    for i in range(rounds):
        began = time.monotonic_ns()
        answer = ask(control, '{"cmd":"block","net":"203.0.113.%d","seconds":600,"by":"bench","reason":"bench"}' % (i + 1))
        took.append((int(listener.stdout.readline()) - began) / 1e6)
        assert '"blocked"' in answer, answer
    percentiles("block asked to element in kernel", took)
    took = []
    for i in range(20):
        began = time.monotonic_ns()
        subprocess.run(inside("nft", "add", "element", "inet", "guarita", "ban4", "{ 100.64.0.%d timeout 1h }" % (i + 1)), check=True)
        took.append((int(listener.stdout.readline()) - began) / 1e6)
    percentiles("the same by the nft command", took)
    end(listener, g)


PARTS = {"rules": bench_rules, "plan": bench_plan, "bans": bench_bans, "start": bench_start, "line": bench_line, "load": bench_load,
         "fail2ban": bench_fail2ban, "crowdsec": bench_crowdsec, "zones": bench_zones, "peek": bench_peek}


def main():
    subprocess.run(["ip", "netns", "add", NS], check=True)
    try:
        for a, b in (("wan", "wanx"), ("lan", "lanx")):
            subprocess.run(["ip", "-n", NS, "link", "add", a, "type", "veth", "peer", "name", b], check=True)
        for bench in [PARTS[p] for p in sys.argv[2:] or PARTS]:
            with tempfile.TemporaryDirectory() as folder:
                bench(Path(folder))
            subprocess.run(inside("nft", "flush", "ruleset"), check=True)
    finally:
        subprocess.run(["ip", "netns", "del", NS])


main()
