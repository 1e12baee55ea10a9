"""Checks the architecture from what is really there.

1. Every `#include "..."` under src names the file's own folder or one of those it may stand on (FLOORS).
2. No built object outside main holds a mutable global (symbols in .data and .bss), except those in floors.allow.

    floors.py SOURCE [BUILD]      prints file:line for every fault, exit code 1 when there is one
"""
import re
import subprocess
import sys
from pathlib import Path

# What each folder may include besides itself. Wings never include each other, with one exception: the console may
# use the other wings, because the command runs their engines in its own process (scan, explain, plan, why, verify).
FLOORS = {
    "base": "",
    "sys": "base",
    "wire": "base",
    "msg": "base sys",
    "event": "base wire",
    "conf": "base",
    "watch": "base wire event conf",
    "gate": "base wire msg event conf",
    "vault": "base wire msg event conf",
    "console": "base sys wire msg event conf watch gate vault",
    "role": "base sys wire msg event conf watch gate vault console",
    "main": "base sys wire msg event conf watch gate vault console role",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]*)"')
# Written by sanitizers, coverage and the compiler, not by us.
FOREIGN = re.compile(r"^(__asan|_ASAN|__odr_asan|__sanitizer|__gcov|__llvm|\.L|__sancov|___asan)")


def check_includes(src):
    for path in sorted(src.rglob("*.[ch]")) + sorted(src.rglob("*.def")):
        folder = path.relative_to(src).parts[0]
        if folder not in FLOORS:
            yield "%s:1: folder `%s` has no floor; give it a row in tools/floors.py" % (path, folder)
            continue
        allowed = [folder] + FLOORS[folder].split()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            name = found.group(1)
            if ".." in name.split("/"):
                yield "%s:%d: includes `%s`; write the path from src" % (path, number, name)
            elif "/" in name and name.split("/")[0] not in allowed:
                yield "%s:%d: %s may not include `%s` (only %s)" % (path, number, folder, name, " ".join(allowed))


def mutable_symbols(obj):
    out = subprocess.run(["nm", "--format=sysv", str(obj)], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        row = [cell.strip() for cell in line.split("|")]
        if len(row) != 7 or FOREIGN.match(row[0]):
            continue
        section = row[6]
        if row[2] in "BbDdC" and re.match(r"^(\.data|\.bss|\*COM\*)", section) and ".rel.ro" not in section:
            yield row[0]


def check_globals(build, allowed):
    for obj in sorted((build / "src").rglob("*.o")):
        folder = obj.relative_to(build / "src").parts[0]
        if folder == "main":
            continue
        for name in mutable_symbols(obj):
            plain = re.sub(r"\.\d+$", "", name)
            if plain not in allowed:
                yield "%s: mutable global `%s`; hang it from a context" % (obj.name, plain)


def read_allowed(path):
    lines = [line.split("#")[0].split() for line in path.read_text().splitlines()]
    return {words[0] for words in lines if words}


def main():
    source = Path(sys.argv[1])
    faults = list(check_includes(source / "src"))
    if len(sys.argv) > 2:
        faults += check_globals(Path(sys.argv[2]), read_allowed(source / "tools" / "floors.allow"))
    for fault in faults:
        print(fault)
    files = sum(1 for _ in (source / "src").rglob("*.[ch]"))
    print("floors: %d files, %d faults" % (files, len(faults)))
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
