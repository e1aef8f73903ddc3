"""Every code of the catalogue is given by something: one that nothing gives explains nothing."""
import pathlib
import re

SRC = pathlib.Path(__file__).resolve().parent.parent.parent / "src"
CATALOGUE = "error_catalog.def"


def test_every_code_is_given_by_something():
    codes = re.findall(r"^VESTO_ERROR\((k\w+),", (SRC / "base" / CATALOGUE).read_text(), re.M)
    assert len(codes) > 100
    words = set()
    for path in SRC.rglob("*"):
        if path.suffix in (".cc", ".h", ".def") and path.name != CATALOGUE:
            words.update(re.findall(r"\bk[A-Z]\w*", path.read_text()))
    assert [code for code in codes if code not in words] == []


def test_who_is_refused_a_key_is_told_of_its_setting():
    """Without it a right to the key does not help: the keys of COPY have none to it."""
    causes = (SRC / "base" / "error_causes.def").read_text()
    hints = re.findall(r'kms:[^"]*",\s*"[^"]*",\s*"([^"]*)"', causes)
    assert len(hints) == 4
    hints += re.findall(r'"S3-KMS", "[^"]*",\s*"([^"]*)"', (SRC / "base" / CATALOGUE).read_text())
    assert len(hints) == 5
    assert [hint for hint in hints if "staging.kms_key_arn" not in hint] == []


def test_every_cause_is_found_or_set():
    """One without a pattern is set by its name."""
    causes = re.findall(r'^VESTO_(?:LASTING_)?CAUSE\("([\w-]+)", k\w+, "(.*?)", "(.*?)", "(.*?)",',
                        (SRC / "base" / "error_causes.def").read_text(), re.M)
    assert len(causes) > 100
    text = "".join(path.read_text() for path in SRC.rglob("*") if path.suffix in (".cc", ".h"))
    assert [name for name, *pattern in causes if not any(pattern) and f'"{name}"' not in text] == []
