#!/usr/bin/env python3
"""Medians and tables of what Deploy/benchmark measured.

    benchmark-tables.py line STORE WORK FILE      one line for the terminal
    benchmark-tables.py print RESULTS             the tables
    benchmark-tables.py write RESULTS DOCUMENT    the tables, between the markers of a document
"""
import json
import pathlib
import statistics
import sys

BEGIN = "<!-- Deploy/benchmark writes from here -->"
END = "<!-- to here -->"

STORES = {
    "dovecot": "Dovecot, maildir",
    "cyrus": "Cyrus",
    "one": "Staffetta, one node",
    "three": "Staffetta, three nodes, three copies",
    "etcd": "etcd, three members: puts of 64 bytes over its JSON gateway",
}
WORKS = {
    "deliver": "Deliveries by LMTP, 10 KB each",
    "deliver-mail": "Deliveries by LMTP, sizes like those of mail",
    "append": "APPEND, 10 KB each",
    "fetch": "FETCH of whole messages",
    "mixed": "A mix of commands",
    "login": "Logins, a new connection each",
    "flags": "Changes of a flag, 64 sessions",
}


def short(value):
    if value is None:
        return "not known"
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if abs(value) >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.3f}"


def load(results):
    """Runs by store and work, in the order of rounds."""
    runs = {}
    for file in sorted(results.glob("*.json"), key=lambda file: int(file.stem.split(".")[-1])):
        store, work, _ = file.stem.rsplit(".", 2)
        runs.setdefault((store, work), []).append(json.loads(file.read_text()))
    return runs


def median(runs, *path):
    values = []
    for run in runs:
        for key in path:
            run = run[key] if run is not None else None
        if run is not None:
            values.append(run)
    return statistics.median(values) if values else None


def table(head, rows):
    if not rows:
        return []
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def load_tables(runs):
    head = ["store", "per second, median (each round)", "p50, ms", "p99, ms", "p99.9, ms", "CPU s per 1000",
            "bytes written per byte of mail", "errors"]
    for work, title in WORKS.items():
        rows = []
        for store, name in STORES.items():
            of = runs.get((store, work))
            if not of:
                continue
            each = ", ".join(short(run["rate"]) for run in of)
            stores_mail = work in ("deliver", "deliver-mail", "append")
            rows.append([
                name, f"{short(median(of, 'rate'))} ({each})", *(
                    short(median(of, "latency_ms", key)) for key in ("p50", "p99", "p999")),
                short(median(of, "cpu_seconds_per_1000")),
                short(median(of, "written_per_byte")) if stores_mail else "-", str(sum(run["errors"] for run in of)),
            ])
        if rows:
            yield [f"### {title}", ""] + table(head, rows)


def mailbox_table(runs):
    stores = [store for store in STORES if (store, "mailbox") in runs]
    if not stores:
        return []
    last = {store: runs[(store, "mailbox")][-1] for store in stores}
    rows = []
    for place, command in enumerate(last[stores[0]]["commands"]):
        rows.append([command["name"]] + [short(last[store]["commands"][place]["median_ms"]) for store in stores])
    count = last[stores[0]]["messages"]
    return [f"### Commands on a mailbox of {count} messages, median in ms", ""] + \
        table(["command"] + [STORES[store] for store in stores], rows)


def watch_table(runs):
    rows = []
    for store, name in STORES.items():
        for run in runs.get((store, "watch"), [])[-1:]:
            def kib(key):
                return short(run[key] / 1024) if run[key] is not None else "not known"
            rows.append([name, str(run["sessions"]), short(run["after_answer_ms"]["p50"]),
                         short(run["after_answer_ms"]["p99"]), kib("resident_bytes_per_session"),
                         kib("proportional_bytes_per_session"), str(run["missing"])])
    head = ["store", "sessions", "EXISTS after the answer: p50, ms", "p99, ms", "KiB per session, resident",
            "with shared pages divided", "not heard in 15 s"]
    return ["### Sessions in IDLE", ""] + table(head, rows) if rows else []


def steady_table(runs):
    rows = []
    for store, name in STORES.items():
        for run in runs.get((store, "steady"), [])[-1:]:
            def each(*path):
                values = []
                for one in run["rounds"]:
                    for key in path:
                        one = one[key]
                    values.append(short(one))
                return ", ".join(values)
            rows.append([name, each("rate"), each("latency_ms", "p99"), each("cpu_seconds_per_1000"),
                         each("written_per_byte")])
    head = ["store", "deliveries/s of each round", "p99, ms", "CPU s per 1000", "bytes written per byte of mail"]
    return ["### Rounds of deliveries, all expunged after each", ""] + table(head, rows) if rows else []


def tables(results):
    runs = load(results)
    machine = (results / "machine").read_text().strip().splitlines()
    lines = [f"Measured by `Deploy/benchmark` on {'; '.join(machine)}. All writes are on disk before they are "
             "acknowledged, unless a note says otherwise.", ""]
    for part in load_tables(runs):
        lines += part
    lines += mailbox_table(runs) + watch_table(runs) + steady_table(runs)
    notes = results / "notes"
    if notes.exists():
        lines += ["What went wrong or was left out:", ""]
        lines += [f"- {note}" for note in notes.read_text().strip().splitlines()] + [""]
    return "\n".join(lines)


def line(store, work, file):
    run = json.loads(pathlib.Path(file).read_text())
    if "latency_ms" in run:
        print(f"{store:8} {work:13} {short(run['rate']):>8}/s  p50 {short(run['latency_ms']['p50'])} ms  "
              f"p99 {short(run['latency_ms']['p99'])} ms  CPU s/1000 {short(run['cpu_seconds_per_1000'])}  "
              f"errors {run['errors']}", flush=True)
    else:
        print(f"{store:8} {work:13} done", flush=True)


def write(results, document):
    text = pathlib.Path(document).read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"{document} does not have the markers {BEGIN} and {END} once each")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    pathlib.Path(document).write_text(f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}")


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "line":
        line(*arguments[1:])
    elif len(arguments) == 2 and arguments[0] == "print":
        print(tables(pathlib.Path(arguments[1])))
    elif len(arguments) == 3 and arguments[0] == "write":
        write(pathlib.Path(arguments[1]), arguments[2])
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
