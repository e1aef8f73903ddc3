"""Two parsers of Redshift's SQL that other people wrote, asked about one statement."""
import logging
import re

import pytest

sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is not installed (tests/requirements.txt)")
sqlfluff = pytest.importorskip("sqlfluff.core", reason="sqlfluff is not installed")

# What a judge does not know although Redshift's documentation does: (judge, first words): reason.
EXCEPTIONS = {
    ("sqlglot", "LOCK TABLE"):
        "sqlglot has no node for LOCK in any dialect and wraps it as an opaque Command; the form "
        "is in the Redshift Database Developer Guide, LOCK, and sqlfluff parses it",
    ("sqlglot", "DECLARE _vesto_parity CURSOR FOR"):
        "sqlglot knows DECLARE of variables alone; the form is in the Guide, DECLARE, and sqlfluff "
        "parses it. Its SELECT is judged by itself",
    ("sqlglot", "FETCH FORWARD"):
        "sqlglot has no node for FETCH of a cursor; the form is in the Guide, FETCH",
    ("sqlglot", "CLOSE _vesto_parity"):
        "sqlglot has no node for CLOSE; the form is in the Guide, CLOSE",
}

# The node that each first word must become: a parser that makes something else of a statement has
# read something else than we wrote.
NODES = {
    "ALTER": "Alter", "BEGIN": "Transaction", "COMMIT": "Commit", "COPY": "Copy",
    "CREATE": "Create", "DELETE": "Delete", "DROP": "Drop", "GRANT": "Grant", "INSERT": "Insert",
    "ROLLBACK": "Rollback", "SELECT": "Select", "SET": "Set", "UPDATE": "Update", "WITH": "Select",
    "COMMENT": "Comment",
}

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
_linter = []


def exception_for(judge, sql):
    for (name, words), _ in EXCEPTIONS.items():
        if name == judge and sql.startswith(words):
            return words
    return None


def ask_sqlglot(sql):
    """None, or what is wrong."""
    try:
        trees = sqlglot.parse(sql, read="redshift", error_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        return "sqlglot: " + str(error)[:300]
    if len(trees) != 1:
        return f"sqlglot: {len(trees)} statements in one text"
    if any(True for _ in trees[0].find_all(sqlglot.exp.Command)):
        return "sqlglot: an opaque Command"
    word, node = sql.split(None, 1)[0], type(trees[0]).__name__
    if word == "SELECT" and node == "Union":  # of SELECTs, which is what its parts must be
        parts = {type(one).__name__ for one in (trees[0].left, trees[0].right)}
        node = "Select" if parts <= {"Select", "Union"} else node
    if NODES.get(word) != node:
        return f"sqlglot: {word} was read as {node}"
    return None


def ask_sqlfluff(sql):
    """None, or what is wrong."""
    if not _linter:
        # raw: a literal may hold {{...}}, which is no template here.
        config = sqlfluff.FluffConfig(overrides={"dialect": "redshift", "templater": "raw",
                                                 "large_file_skip_byte_limit": 0})
        _linter.append(sqlfluff.Linter(config=config))
    parsed = _linter[0].parse_string(sql)
    wrong = [violation.desc() for violation in parsed.violations]
    if wrong:
        return "sqlfluff: " + "; ".join(wrong)[:300]
    if parsed.tree is None:
        return "sqlfluff: no tree"
    statements = sum(1 for _ in parsed.tree.recursive_crawl("statement", recurse_into=False))
    return None if statements == 1 else f"sqlfluff: {statements} statements in one text"


def complaints(sql):
    """What the two say against a statement, exceptions left out."""
    out = []
    for judge, ask in (("sqlglot", ask_sqlglot), ("sqlfluff", ask_sqlfluff)):
        if exception_for(judge, sql) is None:
            out.append(ask(sql))
    declared = re.match(r"DECLARE \S+ CURSOR FOR (?=SELECT )", sql)
    if declared:
        out.append(ask_sqlglot(sql[declared.end():]))
    return [text for text in out if text]
