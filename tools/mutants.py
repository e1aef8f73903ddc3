#!/usr/bin/env python3
"""Named mutants: each is applied to a copy of the tree, built, and must turn a test red.

  tools/mutants.py            all of them
  tools/mutants.py NAME ...   some

A mutant is a file, an exact text in it, what stands in its place, and the test that must notice.
If the text is not found any more, the mutant is stale and the run fails: keep this list true.
"""
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"
MUTANTS = ROOT / "tools" / "mutants.toml"


def load():
    import tomllib
    return tomllib.loads(MUTANTS.read_text())["mutant"]


def run(command, cwd, timeout_s=1800):
    try:
        return subprocess.run(command, cwd=cwd, shell=True, timeout=timeout_s,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 124, str(error.stdout or ""))


def try_mutant(mutant):
    path = COPY / mutant["file"]
    text = path.read_text()
    if text.count(mutant["text"]) != 1:
        return "stale", f"the text occurs {text.count(mutant['text'])} times in {mutant['file']}"
    try:
        path.write_text(text.replace(mutant["text"], mutant["becomes"]))
        built = run(f"cmake --build build/dev -j2 --target {mutant['build']}", COPY)
        if built.returncode != 0:
            return "stale", "it does not compile:\n" + built.stdout[-1500:]
        tested = run(mutant["test"], COPY)
        return ("killed" if tested.returncode != 0 else "SURVIVED"), tested.stdout[-500:]
    finally:
        path.write_text(text)


def main():
    mutants = [m for m in load() if not sys.argv[1:] or m["name"] in sys.argv[1:]]
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.parent.mkdir(exist_ok=True)
    subprocess.run(["git", "worktree", "prune"], cwd=ROOT, check=True)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(COPY)], check=True)
    first = run("cmake --preset dev && cmake --build build/dev -j2", COPY, 3600)
    if first.returncode != 0:
        print(first.stdout[-3000:])
        return 1
    # A test that fails anyway would kill every mutant.
    for test in sorted({mutant["test"] for mutant in mutants}):
        tested = run(test, COPY)
        if tested.returncode != 0:
            print(f"fails without a mutant: {test}\n{tested.stdout[-3000:]}")
            return 1
    bad = 0
    for mutant in mutants:
        start = time.monotonic()
        verdict, text = try_mutant(mutant)
        print(f"{verdict:9} {mutant['name']}: {mutant['why']} ({time.monotonic() - start:.0f} s)",
              flush=True)
        if verdict != "killed":
            bad += 1
            print(text)
    print(f"{len(mutants) - bad} of {len(mutants)} mutants were killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
