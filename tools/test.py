"""Runs every test of a build folder and the scenes, and adds the counts up from the machine-readable results.

The last line printed is `N passed, N failed`; the exit code is 0 only when something passed and nothing failed.
A meson test that holds many cmocka cases counts as that many. Never guesses: a program that ends without
results counts as one failure.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CMOCKA_RUN = re.compile(r"^\[=+\] (?:[\w-]+: )?(\d+) test\(s\) run\.$", re.M)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] (?:[\w-]+: )?(\d+) test\(s\)", re.M)
CMOCKA_SKIPPED = re.compile(r"^\[  SKIPPED \] (?:[\w-]+: )?(\d+) test\(s\)", re.M)


# These take minutes, so they begin first; the others fill the gaps.
LONGEST = ("test_modes", "test_vpn", "test_witness", "test_accounts_live", "test_vpn_peers", "test_keeping", "test_vault",
           "test_gate_items", "test_p2p", "test_copies", "test_sites")


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.names = []

    def fail(self, name, count=1):
        self.failed += count
        self.names.append(name)


def total(pattern, text):
    return sum(int(n) for n in pattern.findall(text))


def count_meson(test, counts):
    """One line of testlog.json: OK, EXPECTEDFAIL, SKIP, or a failure of some sort."""
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    cases, failed, skipped = (total(p, text) for p in (CMOCKA_RUN, CMOCKA_FAILED, CMOCKA_SKIPPED))
    if test["result"] == "SKIP":
        counts.skipped += 1
    elif test["result"] in ("OK", "EXPECTEDFAIL"):
        counts.passed += cases - skipped if cases else 1
        counts.skipped += skipped
    else:
        counts.passed += max(0, cases - skipped - failed)
        counts.skipped += skipped
        counts.fail(test["name"], max(1, failed))


def run_meson(build, counts):
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    # The times after which a test counts as hanging are those of an idle machine: a busy one gets ten times as long.
    code = subprocess.run(["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "-t", "10"]).returncode
    if not log.exists():
        counts.fail("meson test")
        return
    failed_before = counts.failed
    for line in log.read_text(errors="replace").splitlines():
        count_meson(json.loads(line), counts)
    if code != 0 and counts.failed == failed_before:
        counts.fail("meson test (exit code %d)" % code)


def count_scenes(report, code, name, counts):
    """One file of scenes, from its junit report."""
    if not report.exists():
        counts.fail(name)
        return
    failed_before = counts.failed
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.fail("%s.%s" % (case.get("classname"), case.get("name")))
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
    if code not in (0, 5) and counts.failed == failed_before:
        counts.fail("%s (exit code %d)" % (name, code))


def play(build, path):
    """A file of scenes in a process of its own: its exit code and what it said."""
    report = build / "meson-logs" / ("scenes-%s.xml" % path.stem)
    report.unlink(missing_ok=True)
    env = dict(os.environ, GUARITA_BUILD=str(build), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=%s" % report, str(path)],
                          env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return path, report, done.returncode, done.stdout


def run_pytest(build, counts):
    """Scenes mostly wait (for rounds of seconds, for a peer's patience): two files at a time for each processor."""
    scenes = sorted((ROOT / "test" / "scene").glob("test_*.py"),
                    key=lambda p: (LONGEST.index(p.stem) if p.stem in LONGEST else len(LONGEST), -p.stat().st_size))
    with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        for future in concurrent.futures.as_completed([pool.submit(play, build, path) for path in scenes]):
            path, report, code, said = future.result()
            lines = said.strip().splitlines()
            print(said if code not in (0, 5) else "%-32s %s" % (path.name, lines[-1] if lines else ""), flush=True)
            count_scenes(report, code, path.name, counts)


def main():
    build = Path(sys.argv[1]).resolve()
    counts = Counts()
    run_meson(build, counts)
    run_pytest(build, counts)
    print()
    for name in counts.names:
        print("failed: %s" % name)
    if counts.skipped:
        print("%d skipped" % counts.skipped)
    print("%d passed, %d failed" % (counts.passed, counts.failed))
    return 0 if counts.passed and not counts.failed else 1


if __name__ == "__main__":
    sys.exit(main())
