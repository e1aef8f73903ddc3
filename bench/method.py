"""What has changed in how the benchmark measures, and what held for the tables of
docs/performance.md that were made before. Such a table says so below its stamp until it is measured
anew."""
import re

# The words go on from HEAD.
BY_ITSELF = "the sandbox's PostgreSQL vacuumed and wrote by itself, in anyone's turn"
AFTER_A_LOAD = ("the sandbox's PostgreSQL vacuumed and wrote what a run of Vesto had loaded in the "
                "turns of those that followed, who were the same in every round")
# (since when, of which tables, what held before)
CHANGES = (
    ("2026-11-23 13:41", ("tiny", "start", "change", "sandbox", "scale"), BY_ITSELF),
    ("2026-11-23 13:41", ("wall", "select", "cpu"), AFTER_A_LOAD),
    ("2026-11-23 13:41", ("expert",), f"{AFTER_A_LOAD}: the expert's pipelines always ran after a "
     "load of Vesto's (in Vesto's favour)"),
    ("2026-11-23 13:41", ("expert",), "each codec was compared with itself alone, and not with the "
     "better of the expert's two"),
    ("2026-11-23 13:41", ("change",), "the full copy took out the rows of the one before, and was "
     "made in four rounds (in Vesto's favour)"),
    ("2026-11-23 13:41", ("guards",), "the figure was the least of nine passes"),
    ("2026-11-23 14:11", ("memory",), "the tiny tables and the rows with a NaN were not measured"),
    ("2026-11-23 14:26", ("wall", "expert", "cpu", "memory", "scale"), "Vesto's zstd had twice the "
     "table of matches and took more CPU (`What was tried`)"),
    ("2026-11-23 14:30", ("wall",), "`psql` that throws the rows away, and COPY beside other work, "
     "were not measured"),
)
# The day, or the minute, at which the run of a table began. A day alone is its beginning.
STAMP = re.compile(r"`, (\d{4}-\d\d-\d\d)(?: (\d\d:\d\d) UTC)?, ")
HEAD = "**Made before the method changed, when** "


def stamps(text):
    """[(the names of the tables whose rows it made, none where it made all, the stamp)]: a stamp is
    a paragraph of its own."""
    found = []
    for paragraph in text.split("\n\n" + HEAD)[0].split("\n\n"):
        before, _, rest = paragraph.partition("`")
        if STAMP.search(paragraph) and (not before or before.endswith(": ")):
            names = [name for name in before.removesuffix(": ").split(", ") if name]
            found.append((names, f"`{rest}"))
    return found


def held(name, stamped):
    """What of CHANGES held for that table when it was made."""
    found = STAMP.search(stamped)
    if not found:
        return []
    made = f"{found[1]} {found[2] or '00:00'}"
    return [what for since, names, what in CHANGES if name in names and made < since]


def with_note(name, text):
    """`text`, a table and its stamps, with the lines that they need and no other."""
    text = text.split("\n\n" + HEAD)[0]
    for names, stamp in stamps(text):
        what = held(name, stamp)
        if what:
            of_whom = f"({', '.join(names)}) " if names else ""
            text += f"\n\n{HEAD}{of_whom}{'; '.join(what)}."
    return text


def is_old(name, text):
    return any(held(name, stamp) for _, stamp in stamps(text))


def overview(old):
    """For the head of the figures: `old`, the names of all tables that have a note."""
    if not old:
        return "All tables were made by the method that is described above."
    names = ", ".join("Scale on paper" if name == "scale" else f"`{name}`" for name in old)
    return (f"**Made before the method changed:** {names} (as `--only` calls the tables). Each says "
            "below its stamp what held for it.")
