"""What the pages name is there: commands and their flags, error codes, files, targets, links."""
import functools
import os
import re
import subprocess

import pytest
from pages import ROOT, anchors, inline_code, links, page_names, read_page
from sandbox_process import binary

EVERYWHERE = {"--config", "--data", "--json", "--quiet", "--verbose", "--no-color",
              "--no-progress", "--version", "--help"}  # global flags


def test_global_flags_are_those_of_the_program():
    assert set(re.findall(r"(--[a-z][\w-]*)", options(()))) == EVERYWHERE


@functools.lru_cache(None)
def usage(words):
    """What --help says of a command, or None where there is no such command."""
    done = subprocess.run([binary("src/cli/vesto"), *words, "--help"], capture_output=True,
                          text=True, timeout=30, check=False,
                          env={"ASAN_OPTIONS": "detect_leaks=0"})
    return done.stdout if done.returncode == 0 else None


def options(words):
    text = usage(words)
    return text[text.index("Options:"):].split("Subcommands:")[0].split("\n\n")[0] if text else ""


@functools.lru_cache(None)
def subcommands(words):
    found = re.search(r"^Subcommands:\n((?:  .*\n)+)", usage(words) or "", re.M)
    return tuple(re.findall(r"^  (\S+)", found[1], re.M)) if found else ()


def fault_of(line):
    """What is wrong with a command line of vesto, or None."""
    words, rest = (), line.split()[1:]
    while rest and subcommands(words):
        if rest[0] in subcommands(words):
            words += (rest.pop(0),)
        elif words or re.match(r"[a-z]", rest[0]):
            return f"{' '.join(('vesto',) + words)} has no command {rest[0]}"
        else:
            break
    known = set(re.findall(r"(?<![\w-])(-{1,2}[a-zA-Z][\w-]*)", options(words))) | EVERYWHERE
    if words == ("help",):
        known |= {"--settings-markdown", "--all-markdown"}  # for the generators of the pages
    for word in rest:
        flag = re.match(r"\[?(--?[a-zA-Z][\w-]*)", word)
        if flag and flag[1] not in known:
            return f"{' '.join(('vesto',) + words)} has no flag {flag[1]}"
    return None


def test_a_command_that_is_not_there_is_noticed():
    assert fault_of("vesto destination tset acme") and fault_of("vesto run shop --tabel x")
    assert fault_of("vesto run shop --table x") is None and fault_of("vesto SOMETHING") is None


@pytest.mark.parametrize("name", page_names())
def test_commands_and_flags(name):
    page = read_page(name)
    said = [(line, code) for line, code in inline_code(page) if re.match(r"vesto( |$)", code)]
    said += [(block.line, line.split("#")[0].rstrip(" \\&")) for block in page.blocks
             if block.language == "sh" for line in re.sub(r"\\\n\s*", "", block.text).split("\n")
             if line.startswith("vesto ")]
    faults = [f"{name}:{line}: {code}: {fault_of(code)}" for line, code in said if fault_of(code)]
    assert faults == []


def test_the_form_of_the_sandboxes_command_line():
    said = {flag for block in read_page("docs/sandbox.md").blocks if "a form" in
            block.marks.get("not run", "") for flag in re.findall(r"--[a-z][\w-]*", block.text)}
    told = subprocess.run([binary(), "--help"], capture_output=True, text=True, timeout=30,
                          check=True, env={"ASAN_OPTIONS": "detect_leaks=0"}).stdout
    assert said | {"--help"} == set(re.findall(r"--[a-z][\w-]*", told))


def targets():
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("name", page_names())
def test_codes_files_and_targets(name):
    codes = set(re.findall(r'"([A-Z0-9]+-[A-Z0-9-]+)"', (
        ROOT / "src/base/error_catalog.def").read_text()))
    kinds = {code.split("-")[0] for code in codes}
    assert {"RS", "AWS", "CFG"} <= kinds
    faults = []
    for line, code in inline_code(read_page(name)):
        kind = re.fullmatch(r"([A-Z0-9]+)-[A-Z0-9-]+", code)
        if kind and kind[1] in kinds and code not in codes:
            faults.append(f"{name}:{line}: no error {code}")
        path = re.fullmatch(r"(?:src|tests|tools|docs|fuzz|bench)/[\w/.-]+", code)
        if path and not (ROOT / path[0]).exists():
            faults.append(f"{name}:{line}: no file {code}")
        target = re.fullmatch(r"make ([a-z][\w-]*)", code)
        if target and target[1] not in targets():
            faults.append(f"{name}:{line}: no target {code}")
    assert faults == []


@pytest.mark.parametrize("name", page_names() + ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links(name):
    faults = []
    for line, target in links(read_page(name)):
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, fragment = target.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        if not (ROOT / there).exists():
            faults.append(f"{name}:{line}: no file {there}")
        elif fragment and there.endswith(".md") and fragment not in anchors(read_page(there)):
            faults.append(f"{name}:{line}: {there} has no heading {fragment}")
    assert faults == []
