"""Every piece of the kit is needed: what it made is read back, each piece is taken away alone, and
exactly the checks that the kit names for it miss it. What the report says to run is run, and all is
green again; this test knows no fix. What each piece showed stands in docs/setup-proof.md, which
VESTO_WRITE_DOCS=1 writes anew."""
import json
import os

import pytest

import pieces
from kit_world import ACCOUNT, CLUSTER, ROOT, UUID, WORKGROUP, KitWorld, bad_checks, by_id

PAGE = ROOT / "docs" / "setup-proof.md"
VARIANTS = {
    "cluster, Google": {},
    "workgroup, Google": {"kind": "serverless"},
    "cluster, access key": {"identity": "key"},
    "cluster, AssumeRole with an external id": {"identity": "assume_role"},
    "workgroup, schema made beforehand, KMS key": {
        "kind": "serverless", "schema": "premade", "kms": True},
    "cluster, COPY by an attached role": {"copy": "attached_role"},
    "cluster, login for a named user": {"named": True},
    "cluster, access key, through an SSH server": {"identity": "key", "tunnel": True},
    "workgroup, AssumeRole by a pod on EKS": {"kind": "serverless", "identity": "aws"},
}
MOST_ROUNDS = 3  # of fixes: what was masked comes out in the next report


def declared(world):
    """(part, name): (checks, why), as the kit itself says."""
    done = world.vesto("destination", "kit", "acme", "--json")
    assert done.returncode == 0, done.stderr
    return {(part["id"], piece["name"]): (piece["checks"], piece.get("why", ""))
            for part in json.loads(done.stdout)["parts"] for piece in part["pieces"]}


def masks(report, needed, failing):
    """Whether the check `needed` hangs on one that fails."""
    checks = by_id(report)
    return any(one in failing or masks(report, one, failing)
               for one in checks[needed]["needs"])


def expected(report, wanted):
    """Of the checks that miss a piece, those that no other one of them masks."""
    # clean_up runs always, and has nothing to remove where nothing could be put.
    out = {one for one in wanted if not masks(report, one, wanted)}
    return out - {"clean_up"} if "s3.put" in out else out


def differing(before, after):
    """The checks that are not as they were and not masked: {id: code or status}."""
    was = by_id(before)
    seen = {}
    for check in after["checks"]:
        if check["status"] in ("not_run", was[check["id"]]["status"]):
            continue
        # It runs always, so that no other check masks it: where the bucket is not reached, it says so.
        if check["id"] == "clean_up" and check["status"] == "skipped":
            continue
        seen[check["id"]] = check.get("error", {}).get("code", check["status"])
    return seen


def repair(world, report):
    """Runs the fixes of a report until none is left; gives who ran what."""
    ran = []
    for _ in range(MOST_ROUNDS):
        done = set()
        for check in report["checks"]:
            fix = check.get("fix")
            if not fix or not fix["snippet"] or fix["snippet"] in done:
                continue
            done.add(fix["snippet"])
            ran.append(f"{fix['who']}, {fix['kind']}")
            printed = world.fix(fix)
            world.take_key(getattr(printed, "stdout", ""))
        report = world.report()
        if not bad_checks(report) or not done:
            break
    return report, sorted(set(ran))


def plain(text):
    """Without what differs from one sandbox to the next."""
    for value, name in ((UUID, "UUID"), (ACCOUNT, "ACCOUNT"), (WORKGROUP, "WORKGROUP"),
                        (CLUSTER, "CLUSTER")):
        text = text.replace(value, name)
    return text


def take_away(world, piece, known, good):
    """One row of the table; asserts all that has to hold."""
    names = [(piece.part, name) for name in piece.of]
    assert all(name in known for name in names), f"the kit does not name {names}"
    wanted = {check for name in names for check in known[name][0]}
    try:
        piece.remove()
    except pieces.Refused:
        return ["AWS refuses the document without it", "", ""]
    report = world.report()
    seen = differing(good, report)
    assert set(seen) == expected(report, wanted), (piece, seen)
    if not seen:
        why, = {known[name][1] for name in names}
        assert why, f"{piece}: no check misses it, and the kit does not say why it is there"
        return ["none: " + why, "", ""]
    for check in report["checks"]:
        if check["status"] == "failed" and check["id"] != "clean_up":
            assert check["fix"]["snippet"], f"{piece}: {check['id']} has no fix"
    after, ran = repair(world, report)
    assert bad_checks(after) == {} and after["ok"], (piece, ran, bad_checks(after))
    if not ran:  # skipped: a right that is not needed; the people of the kit put it back
        world.apply("script")
        after = world.report()
    assert differing(good, after) == {}, (piece, ran, differing(good, after))
    return [", ".join(seen), ", ".join(dict.fromkeys(seen.values())), "; ".join(ran)]


def rows_of(options, with_the_way):
    with KitWorld(**options) as world:
        world.apply()
        good = world.report()
        assert good["ok"] and bad_checks(good) == {}, bad_checks(good)
        known, rows, used = declared(world), [], set()
        for piece in pieces.all_pieces(world):
            used |= {(piece.part, name) for name in piece.of}
            way_too = with_the_way or (piece.part == "network" and world.bastion)
            if piece.part in ("bucket", "network") and not way_too:
                continue  # the same everywhere; a closed port takes 10 s to be sure of
            rows.append([piece.part, plain(piece.shown), *take_away(world, piece, known, good)])
        left = {name for name, (checks, _) in known.items() if checks} - used
        assert not left, f"the kit names pieces that it has not made: {left}"
        return rows


HEAD = """# What proves the set-up

Every piece of the set-up kit was taken away alone, in the sandbox; the checks below then missed it,
with these codes, and what the report said to run made all green again. A piece that no check misses
is named with the reason why it is there. Written by `tests/setup/test_necessity.py`, which also
compares it: `VESTO_WRITE_DOCS=1` writes it anew.
"""


def section(variant, rows):
    out = ["| part | taken away | checks that miss it | code | fixed by |\n"
           "| --- | --- | --- | --- | --- |\n"]
    out += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows]
    return f"\n## {variant[0].upper()}{variant[1:]}\n\n" + "".join(out)


def sections():
    """The page's, by their titles; without those of variants that are no more."""
    texts = PAGE.read_text().split("\n## ")[1:] if PAGE.exists() else []
    found = {text.split("\n", 1)[0].lower(): "\n## " + text for text in texts}
    return {variant: found.get(variant.lower(), "") for variant in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_any_piece_its_checks_fail_and_their_fixes_mend_it(variant):
    rows = rows_of(VARIANTS[variant], with_the_way=variant == next(iter(VARIANTS)))
    text = section(variant, rows)
    if os.environ.get("VESTO_WRITE_DOCS"):
        PAGE.write_text(HEAD + "".join({**sections(), variant: text}.values()))
    assert sections()[variant] == text


def test_the_page_has_nothing_else():
    assert PAGE.read_text() == HEAD + "".join(sections().values())
