"""The pages of the documentation as data: their fenced blocks with what is said of each, the code
within their lines, their links."""
import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)\s*$")
# Comments right before a block: <!-- not run: why -->, <!-- exit: 4 -->, <!-- values: yours -->
# (the reader puts in others), <!-- file: vesto.toml --> (the block is put into that file),
# <!-- no warehouse: ... --> (test_no_warehouse.py pastes it, in another account).
MARK = re.compile(r"^\s*<!-- (?P<word>not run|exit|values|file|no warehouse): (?P<text>.+) -->\s*$")


@dataclass(frozen=True)
class Block:
    page: str      # "docs/cli.md"
    line: int      # of the opening fence
    language: str  # what stands behind it; "" if nothing does
    text: str      # without the indent of the fence
    marks: dict    # of the comments right before it
    before: str    # the page between the last block and this one

    @property
    def place(self):
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    name: str
    text: str
    blocks: tuple
    prose: str  # all that is in no block; blocks are empty lines, so that line numbers stand


def read_page(name):
    """One page. A fence that never closes is an error."""
    text = (ROOT / name).read_text()
    blocks, prose, marks, between = [], [], {}, []
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        fence = FENCE.match(line)
        if not fence:
            prose.append(line)
            between.append(line)
            mark = MARK.match(line)
            if mark:
                marks[mark["word"]] = mark["text"]
            elif line.strip():
                marks = {}
            continue
        prose.append("")
        body = []
        for _, inner in lines:
            prose.append("")
            if inner.strip() == "```":
                break
            body.append(inner.removeprefix(fence["indent"]))
        else:
            raise ValueError(f"{name}:{number}: the block does not end")
        blocks.append(Block(name, number, fence["language"], "\n".join(body) + "\n", marks,
                            "\n".join(between)))
        marks, between = {}, []
    return Page(name, text, tuple(blocks), "\n".join(prose))


def page_names():
    """README.md and all below docs/."""
    below = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
    return ["README.md", *below]


def pages():
    return [read_page(name) for name in page_names()]


def inline_code(page):
    """(line, code) of everything between backticks. Code may go on in the next line."""
    for found in re.finditer(r"(?<!`)`([^`]+)`(?!`)", page.prose):
        if "\n\n" in found[1]:
            continue
        yield page.prose.count("\n", 0, found.start()) + 1, " ".join(found[1].split())


def links(page):
    """(line, target) of [text](target)."""
    for found in re.finditer(r"\]\(([^)\s]+)\)", page.prose):
        yield page.prose.count("\n", 0, found.start()) + 1, found[1]


def anchors(page):
    """The fragments that a link may name, as GitHub makes them of headings."""
    made = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", page.prose, re.M):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        base = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        name, count = base, 0
        while name in made:
            count += 1
            name = f"{base}-{count}"
        made.add(name)
    return made
