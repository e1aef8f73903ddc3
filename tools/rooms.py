#!/usr/bin/env python3
"""Reads the include graph and fails on an arrow that docs/ARCHITECTURE.md does not allow.

A room may include itself, the rooms named in its line, and all that those may include.
Usage: tools/rooms.py [ROOT]
"""
import pathlib
import re
import sys

TABLE_ROW = re.compile(r"\| `(src/)?(\w+)/` \|[^|]*\| ([^|]*) \|")


def rooms_of(root):
    """{room: what it may use directly}, of the table in docs/ARCHITECTURE.md: rooms, or headers
    of one."""
    rooms, sandbox = {}, None
    for line in (root / "docs" / "ARCHITECTURE.md").read_text().splitlines():
        match = TABLE_ROW.match(line)
        if not match:
            continue
        in_src, room, uses = match.groups()
        if uses == "nothing":
            names = []
        elif uses == "all above":
            names = list(rooms)
        else:
            names = [name.strip(" `") for name in uses.split(",")]
        if in_src:
            rooms[room] = names
        else:
            sandbox = names
    if "base" not in rooms or sandbox is None:
        sys.exit("docs/ARCHITECTURE.md has no table of rooms that could be read")
    return rooms, sandbox


def closure(rooms, room, seen=None):
    seen = set() if seen is None else seen
    if room not in seen:
        seen.add(room)
        for used in rooms.get(room, []):
            closure(rooms, used, seen)
    return seen


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if match:
            yield number, match.group(1)


def check(root):
    faults = []
    rooms, sandbox_uses = rooms_of(root)
    for path in sorted((root / "src").rglob("*.[ch]*")):
        if path.suffix not in (".h", ".cc", ".def"):
            continue
        room = path.relative_to(root / "src").parts[0]
        if room not in rooms:
            faults.append(f"{path}: room {room} is not in docs/ARCHITECTURE.md")
            continue
        allowed = closure(rooms, room)
        for number, name in includes(path):
            used = name.split("/")[0]
            if used not in allowed and name not in allowed:
                faults.append(f"{path}:{number}: {room} may not include {name}")
    for path in sorted((root / "sandbox").rglob("*.[ch]*")):
        for number, name in includes(path):
            used = name.split("/")[0]
            if used not in (*sandbox_uses, "sandbox"):
                faults.append(f"{path}:{number}: the sandbox may not include {name}")
    return faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    faults = check(root)
    print("\n".join(faults) if faults else "rooms: every include follows an allowed arrow")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
