"""Reads a file of callgrind's: instructions by the object that they stand in, and those below the
calls of one function. Format: valgrind's manual, "Callgrind Format Specification"."""
import collections
import pathlib
import re

NAME = re.compile(r"\((\d+)\)(?: (.*))?")
KEYS = ("ob", "fn", "cob", "cfn")


class Counts:
    def __init__(self, path, caller):
        self.by_object = collections.Counter()  # "libzstd.so.1.5.4": instructions
        self.below = collections.Counter()  # function called by `caller`: instructions in and below
        self.total = 0
        names = {"ob": {}, "fn": {}}
        current = dict.fromkeys(KEYS, "")
        called = False
        for line in pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
            key, equals, value = line.partition("=")
            if equals and key in KEYS:
                number, name = NAME.match(value).groups()
                table = names[key[-2:]]
                if name is not None:
                    table[number] = name
                current[key] = table[number]
                if key == "ob":
                    current["cob"] = current["ob"]
            elif key == "calls":
                called = True
            elif line and (line[0].isdigit() or line[0] in "+-*"):
                cost = int(line.split()[1]) if len(line.split()) > 1 else 0
                if called:
                    if caller in current["fn"]:
                        self.below[current["cfn"]] += cost
                    called = False
                    current["cob"] = current["ob"]
                else:
                    self.by_object[pathlib.PurePath(current["ob"]).name] += cost
                    self.total += cost
