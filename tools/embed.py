#!/usr/bin/env python3
"""A file as a C string: embed.py IN OUT NAME. What is built into a program is still edited as what it is."""
import sys
from pathlib import Path


def main():
    source, target, name = sys.argv[1:4]
    data = Path(source).read_bytes()
    rows = [data[i:i + 24] for i in range(0, len(data), 24)]
    body = "\n".join("\t" + "".join("%d," % b for b in row) for row in rows)
    Path(target).write_text("static const char %s[] = {\n%s\n};\n" % (name, body))


if __name__ == "__main__":
    main()
