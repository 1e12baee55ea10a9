#!/usr/bin/python3
"""Sealing beside others that seal, on the same lines, in turn: bench/vault-peers.py [--build DIR] [LINES]

    ours       vault-seal: every frame on the disk, synced, its key replaced and synced
    slog       syslog-ng's secure logging (apt-get install syslog-ng-core syslog-ng-mod-slog), a line at a time, not synced
    journald   systemd-journal-remote (apt-get install systemd-journal-remote): it does not seal at all

CPU seconds of the process, so that other work on the machine does not count. Peers that are missing are named and left out.
"""
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cpu(argv, **kw):
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, **kw)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = status
    return usage.ru_utime + usage.ru_stime


def ours(build, log, lines, folder):
    seconds = cpu([build + "/bench/vault-seal", "seal", log, folder + "/vault"])
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder + "/vault/wal") for f in fs)
    return seconds, size


SLOG = """@version: 3.38
@module secure-logging
source s { file("%(log)s" flags(no-parse) read-old-records(yes) follow-freq(1)); };
template t { template("$(slog --key-file %(dir)s/host.key --mac-file %(dir)s/mac $RAWMSG $MESSAGE)\\n"); };
destination d { file("%(dir)s/out" template(t)); };
log { source(s); destination(d); };
"""


def slog(build, log, lines, folder):
    subprocess.run(["slogkey", "-m", folder + "/master.key"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["slogkey", "-d", folder + "/master.key", "00:00:00:00:00:01", "bench", folder + "/host.key"],
                   check=True, stdout=subprocess.DEVNULL)
    with open(folder + "/syslog-ng.conf", "w") as f:
        f.write(SLOG % {"log": log, "dir": folder})
    p = subprocess.Popen(["syslog-ng", "-F", "--no-caps", "-f", folder + "/syslog-ng.conf", "-R", folder + "/persist", "-p",
                          folder + "/pid", "-c", folder + "/ctl"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    out, seen, still = folder + "/out", 0, 0
    while still < 50 and p.poll() is None:
        time.sleep(0.1)
        size = os.path.getsize(out) if os.path.exists(out) else 0
        still = still + 1 if size == seen and size else 0
        seen = size
    p.send_signal(signal.SIGTERM)
    _, _, usage = os.wait4(p.pid, 0)
    p.returncode = 0
    with open(out, "rb") as f:
        done = sum(1 for _ in f)
    whole = lines / max(done, 1)
    return (usage.ru_utime + usage.ru_stime) * whole, os.path.getsize(out) * whole


def journald(build, log, lines, folder):
    export = folder + "/export"
    with open(log, errors="replace") as f, open(export, "w") as to:
        for i, line in enumerate(f):
            to.write("__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=%s\n\n" % (
                1700000000000000 + i, 1000000 + i, 1, line.rstrip("\n")))
    seconds = cpu(["/lib/systemd/systemd-journal-remote", "--output=" + folder + "/remote.journal", export],
                  stderr=subprocess.DEVNULL)
    return seconds, os.path.getsize(folder + "/remote.journal")


def main():
    args = sys.argv[1:]
    build = args[args.index("--build") + 1] if "--build" in args else ROOT + "/build"
    rest = [a for a in args if a.isdigit()]
    lines = int(rest[-1]) if rest else 20000
    rows = [("ours", ours, build + "/bench/vault-seal"), ("slog", slog, shutil.which("slogkey")),
            ("journald, unsealed", journald, "/lib/systemd/systemd-journal-remote")]
    with tempfile.TemporaryDirectory(prefix="vault-peers") as top:
        log = top + "/log"
        with open(log, "wb") as f:
            subprocess.run([build + "/bench/vault-corpus", str(lines)], stdout=f, check=True)
        raw, first = os.path.getsize(log), None
        print("%d lines, %d bytes" % (lines, raw))
        for name, run, there in rows:
            if not there or not os.path.exists(there):
                print("%-20s not installed" % name)
                continue
            folder = tempfile.mkdtemp(dir=top)
            seconds, size = run(build, log, lines, folder)
            first = first or seconds
            print("%-20s %9.0f lines/s of one core, %5.2f times the lines' bytes, %7.1f times our processor time" % (
                name, lines / seconds, size / raw, seconds / first))


if __name__ == "__main__":
    main()
