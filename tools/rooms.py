#!/usr/bin/env python3
"""Reads the include graph and fails on an arrow that docs/ARCHITECTURE.md does not allow.

A room may include itself, the rooms named in its line, and all that those may include.
Usage: tools/rooms.py [ROOT]
"""
import pathlib
import re
import sys

# room -> rooms that it may use directly
SRC = {
    "base": [],
    "address": ["base"],
    "net": ["address"],
    "aws": ["net"],
    "secret": ["base"],
    "pg": ["net"],
    "schema": ["base"],
    "encode": ["base", "schema"],
    "source": ["encode", "pg"],
    "stage": ["aws", "encode"],
    "redshift": ["pg", "aws", "encode"],
    "config": ["address", "schema", "secret"],
    "store": ["base", "stage/journal.h"],
    "sync": ["source", "stage", "redshift", "config", "store"],
    "kit": ["config", "aws", "pg/quoting.h"],
    "check": ["sync", "kit"],
    "cli": ["check"],
}
SANDBOX_BASE = "base"


def closure(room, seen=None):
    seen = set() if seen is None else seen
    if room not in seen:
        seen.add(room)
        for used in SRC.get(room, []):
            closure(used, seen)
    return seen


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if match:
            yield number, match.group(1)


def check(root):
    faults = []
    for path in sorted((root / "src").rglob("*.[ch]*")):
        if path.suffix not in (".h", ".cc", ".def"):
            continue
        room = path.relative_to(root / "src").parts[0]
        if room not in SRC:
            faults.append(f"{path}: room {room} is not in tools/rooms.py")
            continue
        allowed = closure(room)
        for number, name in includes(path):
            used = name.split("/")[0]
            if used not in allowed and name not in allowed:
                faults.append(f"{path}:{number}: {room} may not include {name}")
    for path in sorted((root / "sandbox").rglob("*.[ch]*")):
        for number, name in includes(path):
            used = name.split("/")[0]
            if used not in (SANDBOX_BASE, "sandbox"):
                faults.append(f"{path}:{number}: the sandbox may not include {name}")
    return faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    faults = check(root)
    print("\n".join(faults) if faults else "rooms: every include follows an allowed arrow")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
