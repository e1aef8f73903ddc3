"""Figures and what is asked of them."""
import dataclasses
import statistics

# A pair counts as quiet if the control before it and the one after it differ by no more.
QUIET = 0.05


@dataclasses.dataclass
class Line:
    """One row of a table: the values of all pairs, and of those while the machine was quiet."""
    measure: str
    case: str
    values: list
    quiet: list | None = None  # None: there is no control around it
    must: float | None = None
    aim: float | None = None
    unit: str = ""  # "": a ratio
    note: str = ""
    rounds: int = 0  # that it rests on; 0: as many as there are values

    def __post_init__(self):
        self.rounds = self.rounds or len(self.values)

    def median(self):
        return statistics.median(self.values)

    def verdict(self):
        if self.must is None:
            return ""
        value = self.median()
        if self.aim is not None and value <= self.aim:
            return "aim met"
        return "met" if value <= self.must else "NOT MET"


def digits_for(value):
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 20 else 2


def spread(values):
    """'1.13 [1.09-1.18]', or one figure where all are the same."""
    whole = all(float(value).is_integer() for value in values)
    digits = 0 if whole else digits_for(statistics.median(values))
    low, high = min(values), max(values)
    text = f"{statistics.median(values):.{digits}f}"
    if len(values) < 2 or f"{low:.{digits}f}" == f"{high:.{digits}f}":
        return text
    return f"{text} [{low:.{digits}f}-{high:.{digits}f}]"


def is_quiet(before, after):
    return max(before, after) <= min(before, after) * (1 + QUIET)


def ratios(rounds, above, below, around=None):
    """(all, quiet) of above(round) / below(round); `around` gives the two controls' seconds."""
    every = [(above(r) / below(r), r) for r in rounds]
    quiet = [value for value, r in every if around and is_quiet(*around(r))]
    return [value for value, _ in every], quiet if around else None
