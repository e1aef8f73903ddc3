"""100 GB, 1 TB and 10,000 tables on paper, from the parts that were measured. Nobody ran them."""

MB, GB = 1e6, 1e9
# kMaxManifestParts of src/stage/stager.h.
MAX_OBJECTS_OF_A_TABLE = 50_000
GIGABIT = 125 * MB * 0.94  # per second, less the frames and headers


def time_text(seconds):
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def facts_of(rounds):
    """What the paper needs, from the rounds of lineitem. Medians are of no use here: sums are."""
    runs = [r["vesto 2 zstd"][0] for r in rounds if "vesto 2 zstd" in r]
    if not runs:
        return {}
    read = sum(run.bytes_read for run in runs)
    controls = [seconds for r in rounds for _, *both in r.values() for seconds in both]
    return {"source_s_per_gb": sum(controls) / len(controls) / (runs[0].bytes_read / GB),
            "cpu_s_per_gb": sum(run.staged_cpu_s for run in runs) / (read / GB),
            "staged_share": sum(run.bytes_staged for run in runs) / read,
            "object_bytes": sum(run.bytes_staged for run in runs) /
            sum(run.calls["copy.object"] for run in runs),
            "peak_mib": max(run.cost.peak_mib for run in runs)}


def rows_of(facts):
    """[(what, 100 GB, 1 TB)], the texts."""
    out = []
    for name, form in (
            ("the source prints it, one reader", lambda n: time_text(n * facts["source_s_per_gb"])),
            ("four readers, where the source has four CPUs to spare",
             lambda n: time_text(n * facts["source_s_per_gb"] / 4)),
            ("CPU of Vesto until staged", lambda n: time_text(n * facts["cpu_s_per_gb"])),
            ("readers that one CPU of Vesto keeps up with",
             lambda n: f"{facts['source_s_per_gb'] / facts['cpu_s_per_gb']:.1f}"),
            ("goes to S3, zstd", lambda n: f"{n * facts['staged_share']:,.0f} GB"),
            ("that over 1 Gb/s", lambda n: time_text(n * GB * facts["staged_share"] / GIGABIT)),
            ("that over 10 Gb/s",
             lambda n: time_text(n * GB * facts["staged_share"] / GIGABIT / 10)),
            ("objects, as many rows of the journal and PUTs",
             lambda n: f"{n * GB * facts['staged_share'] / facts['object_bytes']:,.0f}"),
            ("memory, two readers", lambda n: f"{facts['peak_mib']:.0f} MiB")):
        out.append((name, form(100), form(1000)))
    return out


def largest_table_tb(facts):
    return MAX_OBJECTS_OF_A_TABLE * facts["object_bytes"] / facts["staged_share"] / 1e12


def is_complete(facts):
    return "source_s_per_gb" in facts and "table_s" in facts and "tables_peak_mib" in facts


def text(facts):
    """The tables of docs/performance.md, of complete facts."""
    table = ("| bytes of CSV, rows like lineitem's | 100 GB | 1 TB |\n| --- | --- | --- |\n" +
             "\n".join(f"| {a} | {b} | {c} |" for a, b, c in rows_of(facts)))
    largest = (f"One table may have {MAX_OBJECTS_OF_A_TABLE:,} objects in a run: "
               f"{largest_table_tb(facts):.1f} TB of such rows.")
    count = 10_000
    tables = (f"10,000 changed tables of one row: {time_text(count * facts['table_s'])} and "
              f"{count * facts['table_statements']:,.0f} statements, if each costs what each of "
              f"the tiny ones above did ({facts['table_s'] * 1000:.0f} ms and "
              f"{facts['table_statements']:.1f} statements, the sandbox on this machine). Each "
              "millisecond that a warehouse is away adds "
              f"{time_text(count * facts['table_statements'] / 1000)}. The "
              f"{facts['tables']} held {facts['tables_peak_mib']:.0f} MiB at the most.")
    return "\n\n".join([table, largest, tables])
