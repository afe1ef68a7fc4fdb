# SPDX-License-Identifier: MIT
"""Proves every verb of camwatchctl against the installed daemon in five states: text, JSON and exit status."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from camwatchd.cli import VERBS
from camwatchd.cli.exits import EXITS
from tests import schemas

from .container import Container
from .verb_facts import Document, alike, at_odds, exposition, missing
from .verb_rows import FINDINGS, READER_LEFT, ROWS, STATES, Row
from .verb_states import hold, reach

pytestmark = pytest.mark.system

Done = subprocess.CompletedProcess[str]
DISTURBING = {"drill", "recover", "reload"}  # for a moment
_JPEG = b"\xff\xd8\xff"
_SHIPPED = "usr/lib/python3/dist-packages/camwatchd/schemas"


_ERROR = set(schemas.schema("error")["required"])


def test_no_verb_is_forgotten() -> None:
    """Each verb of the table of verbs is tried in each state, as text and as JSON."""
    tried = {(row.verb, state) for row in ROWS for state in STATES if row.statuses[state] is not None}

    assert tried == {(verb.name, state) for verb in VERBS for state in STATES}


def test_each_status_is_documented() -> None:
    """The table of exit statuses, of which help and man page are made, has each of them for its verb."""
    statuses = {(row.verb, status) for row in ROWS for status in row.statuses.values()}
    general = (None, FINDINGS, READER_LEFT)

    assert [(verb, status) for verb, status in statuses if status not in (*general, *EXITS[verb])] == []


@pytest.mark.scenario(
    17, "every verb: healthy, recovering, parked, paused, stopped; text, JSON, status", seconds=120
)
def test_every_verb_in_every_state(container: Container) -> None:
    """Exit statuses as the table has them; the JSON as its schema says; the text tells the same facts."""
    wrong = []
    for state in STATES:
        reach(container, state)
        for row in ROWS:
            if (expected := row.statuses[state]) is not None:
                wrong += [
                    f"{state}: {row.words}: {what}" for what in _tried(container, state, row, expected)
                ]

    assert not wrong, "\n".join(wrong)
    for picture in ("now.jpg", "film"):
        assert (container.tree / "root" / picture).read_bytes().startswith(_JPEG)
    for verb in {row.verb for row in ROWS}:
        assert json.loads((container.tree / _SHIPPED / f"{verb}.json").read_text()) == schemas.schema(verb)


def _tried(container: Container, state: str, row: Row, expected: int) -> Iterator[str]:
    """What is wrong with its answers in this state."""
    answers = list(_answers(container, state, row))
    own = answers if row.json == f"{row.words} --json" else answers[1:]
    statuses = {done.returncode for done in own}
    if statuses != {_of_findings(answers[0]) if expected == FINDINGS else expected}:
        yield f"ends with {statuses}, not {expected}: {answers[0].stderr}{answers[-1].stderr}"
    first, text = answers[:2]
    if (
        text.returncode not in (0, READER_LEFT)
        and not text.stdout
        and not text.stderr.startswith("camwatchctl: ")
    ):
        yield f"does not say why: {text.stderr!r}"
    if not first.stdout:
        yield from [] if alike(first.stderr, text.stderr) else [f"the JSON complains of {first.stderr!r}"]
        return
    told = text.stdout + text.stderr
    documents = _documents(row, first)
    if isinstance(documents[0], dict) and documents[0].keys() == _ERROR:
        yield from schemas.mistakes(documents[0], "error")
        yield from [] if alike(first.stderr, text.stderr) else [f"the JSON complains of {first.stderr!r}"]
        return
    for document in documents:
        yield from schemas.mistakes(document, row.verb) + schemas.strangers(document, row.verb)
    yield from (f"not in the text: {words!r}" for words in missing(row.words, documents, told))
    if "--prometheus" in row.words:
        yield from exposition(documents[0], told)
    if row.verb == "status" and not row.lines:
        yield from at_odds(documents[0], told, *_documents(row, answers[2]))


def _answers(container: Container, state: str, row: Row) -> Iterator[Done]:
    """As JSON, as text and, where what moves is compared, once more as JSON; in the same state."""
    as_json = row.json_shell.format(f"camwatchctl {row.json}")
    commands = [as_json, row.shell.format(f"camwatchctl {row.words}")]
    if row.verb == "status":
        commands.append(as_json)
    for command in commands:
        yield container.run(f"{row.before}; {command}", check=False)
        if row.verb in DISTURBING:
            hold(container, state)


def _documents(row: Row, done: Done) -> list[Document]:
    if row.lines:
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    return [json.loads(done.stdout)]


def _of_findings(done: Done) -> int:
    results = {finding["result"] for finding in json.loads(done.stdout)}
    return 2 if "failure" in results else int("warning" in results)
