# SPDX-License-Identifier: MIT
"""Owns reading the ledger without touching it: boots, marks and incidents, for people and for tests.

python -m camwatchd.adapters.ledger_dump STATE_DIR [--json]
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from camwatchd.adapters.ledger_file import NAME
from camwatchd.adapters.ledger_reading import copy
from camwatchd.adapters.ledger_schema import explain, version
from camwatchd.core.timespan import duration

Row = dict[str, Any]


def read(folder: Path) -> dict[str, Any]:
    """All of it, oldest first; each incident with its steps. OSError, sqlite3.Error: it cannot be read."""
    with closing(copy(folder / NAME)) as db:
        return tables(db)


def tables(db: sqlite3.Connection) -> dict[str, Any]:
    """What an open ledger holds."""
    db.row_factory = sqlite3.Row
    steps = _rows(db, "steps")
    incidents = [
        {**incident, "steps": [step for step in steps if step["incident"] == incident["number"]]}
        for incident in _rows(db, "incidents")
    ]
    return {
        "version": version(db),
        "boots": _rows(db, "boots"),
        "marks": _rows(db, "marks"),
        "incidents": incidents,
    }


def text(ledger: dict[str, Any]) -> Iterator[str]:
    """Lines for a human."""
    for mark in ledger["marks"]:
        about = " ".join(filter(None, [mark["kind"], mark["camera"], mark["fault"]]))
        yield f"{mark['wall']}  boot {mark['boot'][:8]}  {about}"
    for incident in ledger["incidents"]:
        yield ""
        yield from _incident(incident)


def _incident(incident: Row) -> Iterator[str]:
    head = f"{incident['wall']}  {incident['camera']}: {incident['fault']}: {incident['evidence']}"
    yield f"{head}  [{incident['ended'] or 'open'}]"
    for step in incident["steps"]:
        what = f"{step['rung']} {step['attempt'] or ''}".strip()
        after = f"+{duration(step['at'] - incident['at'])}"
        yield "  ".join(filter(None, ["", after, what, step["outcome"], step["reason"]]))
    yield from (f"    | {line}" for line in incident["words"].splitlines())


def _rows(db: sqlite3.Connection, table: str) -> list[Row]:
    return [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY number")]  # noqa: S608  # a name of ours


def main(argv: list[str]) -> int:
    """Print it; 1: it cannot be read."""
    folder, as_json = Path(argv[0]), "--json" in argv[1:]
    try:
        ledger = read(folder)
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"{folder / NAME}: {explain(error)}\n")
        return 1
    lines = [json.dumps(ledger, indent=2)] if as_json else text(ledger)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
