"""What came out: the verdict of each probe, and the table."""
import dataclasses
import shutil
import textwrap

AS_CHOSEN, OTHERWISE, OPEN = "settled as chosen", "settled otherwise", "still open"


@dataclasses.dataclass
class Line:
    probe: object
    sandbox: str
    live: str
    verdict: str
    change: str = ""

    def cells(self):
        verdict = f"{self.verdict}: {self.change}" if self.change else self.verdict
        return [str(self.probe.number), self.probe.question, self.probe.choice, self.sandbox,
                self.live, verdict]


def judge(probe, result, level):
    """(answer shown, verdict, what to change)."""
    answer, trouble = result
    if trouble:
        return f"({trouble})", OPEN, ""
    entry = probe.match(answer, level)
    if entry is None:
        return answer, OPEN, "an answer that nobody expected"
    if entry.get("chosen"):
        return answer, AS_CHOSEN, ""
    return answer, OTHERWISE, entry["change"]


def lines_of(probes, sandbox, live, level):
    lines = []
    for probe in probes:
        if not probe.automatic():
            when = f"from {probe.since}" if probe.since else "by hand"
            lines.append(Line(probe, f"({when})", f"({when})", OPEN, probe.manual))
            continue
        there = judge(probe, sandbox.get(probe.number, ("", "not asked")), level)[0]
        answer, verdict, change = judge(probe, live.get(probe.number, ("", "not asked")), level)
        lines.append(Line(probe, there, answer, verdict, change))
    return lines


HEAD = ["no", "question", "chosen", "sandbox", "live", "verdict"]
SHARES = [0, 20, 20, 18, 20, 22]


def table(lines, width=0):
    """The lines as a table of `width` columns; the terminal's where it is 0, at least 100."""
    width = max(100, width or shutil.get_terminal_size((150, 24)).columns)
    room = width - 4 - 3 * (len(HEAD) - 1)
    widths = [4] + [room * share // 100 for share in SHARES[1:]]
    rule = "-+-".join("-" * w for w in widths)
    out = [" | ".join(h.ljust(w) for h, w in zip(HEAD, widths)).rstrip(), rule]
    for line in lines:
        wrapped = [textwrap.wrap(" ".join(c.split()), w) or [""]
                   for c, w in zip(line.cells(), widths)]
        for row in range(max(len(w) for w in wrapped)):
            cells = [(w[row] if row < len(w) else "").ljust(n) for w, n in zip(wrapped, widths)]
            out.append(" | ".join(cells).rstrip())
        out.append(rule)
    return "\n".join(out)


def summary(lines):
    counts = {v: sum(line.verdict == v for line in lines) for v in (AS_CHOSEN, OTHERWISE, OPEN)}
    by_hand = sum(not line.probe.automatic() for line in lines)
    return (f"{counts[AS_CHOSEN]} settled as chosen, {counts[OTHERWISE]} settled otherwise, "
            f"{counts[OPEN]} still open ({by_hand} of them not asked by the program)")
