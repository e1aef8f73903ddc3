"""docs/unverified.md, made from the probe files."""
import json

HEAD = """\
# What could not be confirmed against live Redshift

No AWS account can be reached while this is built. Each entry is a doubt with a number that is never
used again, the reading that was chosen (the stricter one for the sandbox, the safer one for Vesto)
and a probe with the answers that would settle it. The probes are files in `tools/live/probes/`;
this page is made from them by `tools/verify_live.py --write-docs`, and a test fails where the two
differ.

```
make verify-live
```

asks a real cluster or workgroup, in a schema `vesto_verify_...` and a folder of that name below the
prefix, which it removes again, also when it is killed. It takes less than ten minutes, prints each
answer beside the sandbox's, and touches nothing else. It reads from the environment:

| setting | what |
| --- | --- |
| `VESTO_LIVE_HOST`, `VESTO_LIVE_PORT` (5439), `VESTO_LIVE_DATABASE`, `VESTO_LIVE_USER` | the warehouse; the user may create a schema and temporary tables |
| `VESTO_LIVE_PASSWORD`, or `VESTO_LIVE_PASSWORD_FILE` | its password |
| `VESTO_LIVE_BUCKET`, `VESTO_LIVE_PREFIX`, `VESTO_LIVE_REGION` | where objects go |
| `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` (of a session) | a key that may put, get, list and delete below the prefix |
| `VESTO_LIVE_IAM_ROLE` | optional: COPY uses this role in place of the key |
| `VESTO_LIVE_CA_FILE`, `VESTO_LIVE_S3_ENDPOINT` | optional: certificates to trust; an S3 of one's own |

Exit code 0: all as chosen. 1: something came out otherwise or stays open. 2: settings are missing.
3: something could not be removed; the line says what. Answers of `loads` show the rows as
`column|column; column|column`; `row refused` the code of the load error views; `refused` and
`ERROR` the SQLSTATE, in parentheses the code of the DETAIL block.
"""


def code(text):
    ticks = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def short(text, limit=160):
    text = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return text if len(text) <= limit else text[:limit] + "..."


def data_of(entry):
    if "hex" in entry:
        return "bytes " + code(short(entry["hex"], 80))
    if "repeat" in entry:
        r = entry["repeat"]
        return (f"{code(short(r.get('before', '')))} + {r['times']:,} times "
                f"{code(short(r['text']))} + {code(short(r.get('after', '')))}")
    if entry.get("pack") == "gzip":
        members = entry["text"] if isinstance(entry["text"], list) else [entry["text"]]
        return "gzip members " + ", ".join(code(short(m)) for m in members)
    return code(short(entry.get("text", "")))


def step_text(step):
    if "copy" in step:
        copy = step["copy"]
        objects = copy.get("files") or [copy]
        data = "; ".join(data_of(entry) for entry in objects)
        extra = " by a manifest " + code(short(copy["manifest"])) if "manifest" in copy else ""
        wanted = f" ({copy['list']})" if "list" in copy else ""
        select = f", then {code(copy['select'])}" if "select" in copy else ""
        return (f"COPY{wanted} of {data}{extra} into {code(copy['columns'])} with "
                f"{code(copy.get('options', 'CSV'))}{select}")
    if "load" in step:
        return code(step["load"])
    if "s3" in step:
        words = step["s3"]
        parts = [words["method"], words.get("key", ""), words.get("raw_query",
                                                                  words.get("query", ""))]
        text = "S3 request " + code(" ".join(p for p in parts if p))
        for name, value in words.get("headers", {}).items():
            text += f", {code(name + ': ' + value)}"
        if words.get("wrong"):
            text += ", wrong: " + ", ".join(words["wrong"])
        return text
    if "wire" in step:
        return f"login bytes: {step['wire']}"
    if "end_session" in step:
        return f"session {step['session']} ends session {step['end_session']}: " + code(
            "SELECT pg_terminate_backend(...)")
    if "join" in step:
        return f"(until session {step['join']} has its answer)"
    session = f"session {step['session']}: " if "session" in step else ""
    tag = " (its tag)" if step.get("tag") else ""
    return f"{session}{code(step['sql'])}{tag}"


def answer_text(entry):
    what = code(entry["text"]) if "text" in entry else ""
    if "like" in entry:
        what = "like " + code(entry["like"])
    levels = f" ({entry['levels']})" if "levels" in entry else ""
    then = "as chosen" if entry.get("chosen") else f"**change:** {entry['change']}"
    return f"  - {what + levels + ': ' if what else ''}{entry['means']}: {then}"


def probe_text(probe):
    out = [f"### {probe.number}. {probe.question}", "", f"- **Chosen:** {probe.choice}"]
    if probe.automatic():
        steps = [code(sql) for sql in probe.setup] + [step_text(s) for s in probe.steps]
        out += ["- **Probe:**"] + [f"  - {text}" for text in steps]
    else:
        when = f"from {probe.since}" if probe.since else "by hand"
        out.append(f"- **Probe** ({when}): {probe.manual}")
    out += ["- **Answers:**"] + [answer_text(entry) for entry in probe.answers]
    if probe.sandbox:
        out.append(f"- **Sandbox:** {code(probe.sandbox['like'])}: {probe.sandbox['why']}")
    if probe.note:
        out.append(f"- {probe.note}")
    return "\n".join(out) + "\n"


def render(areas):
    parts = [HEAD]
    for title, probes in areas:
        parts.append(f"## {title}\n")
        parts += [probe_text(p) for p in sorted(probes, key=lambda p: p.number)]
    return "\n".join(parts)
