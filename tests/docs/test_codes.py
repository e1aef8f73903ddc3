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
