# SPDX-License-Identifier: MIT
"""Owns the proof that each verb's JSON is described by a schema of its name, which knows every field of our facts."""

import dataclasses
import json
from enum import Enum
from typing import Any, get_args

import pytest

from camwatchd.adapters import ledger_story
from camwatchd.cli import absence, arming, drill_text, following, log_events, log_facts, simulation
from camwatchd.control import facts
from camwatchd.control.protocol import Reason
from camwatchd.core import faults, flight, ladder, rehearsal
from camwatchd.core.plain import field_types
from camwatchd.doctor import finding
from camwatchd.errors import Problem
from tests import schemas
from tests.test_package import options, verbs

WITH_JSON = sorted(name for name, parser in verbs().items() if "--json" in options(parser))
_MODULES = (
    absence, arming, drill_text, facts, faults, finding, flight, following, ladder, ledger_story, log_events,
    log_facts, rehearsal, simulation,
)  # fmt: skip
_CLASSES: dict[str, Any] = {
    name: cls for module in _MODULES for name, cls in vars(module).items() if dataclasses.is_dataclass(cls)
} | {"Problem": Problem}
SHAPES = [
    (verb, name) for verb in WITH_JSON for name in schemas.schema(verb).get("$defs", {}) if name in _CLASSES
]


def test_every_json_has_its_schema() -> None:
    """Each verb has --json and a schema of its name; what fails has one for all."""
    assert {*WITH_JSON} == verbs().keys()
    assert sorted(file.stem for file in schemas.FOLDER.glob("*.json")) == sorted([*WITH_JSON, "error"])


@pytest.mark.parametrize("verb", WITH_JSON)
def test_schemas_say_whose_they_are(verb: str) -> None:
    """A title, what may change, and only keywords that our validator knows: a document that fits nothing is told."""
    schema = schemas.schema(verb)

    assert schema["title"].removeprefix("a line of ") == f"camwatchctl {verb} --json"
    assert schemas.mistakes(json.loads('"no document"'), verb) != []


@pytest.mark.parametrize(("verb", "name"), SHAPES)
def test_every_field_is_described(verb: str, name: str) -> None:
    """What the JSON takes from a dataclass is in the schema, always there, and of the values that there are."""
    described = schemas.schema(verb)["$defs"][name]
    kinds = field_types(_CLASSES[name])

    assert kinds.keys() <= described["properties"].keys()
    assert kinds.keys() <= set(described["required"])
    for field, kind in kinds.items():
        if values := _values(kind):
            assert _described_values(described["properties"][field]) == values


@pytest.mark.parametrize("verb", ["status", "health"])
def test_every_reason_is_described(verb: str) -> None:
    """Why nobody answers is one of the reasons that there are."""
    told = schemas.schema(verb)["$defs"]["Absence"]["properties"]["reason"]["enum"]

    assert told == [reason.value for reason in Reason]


def _values(kind: Any) -> list[str]:
    """Of an enumeration, also where it may be None."""
    found = [each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, Enum)]
    return [member.value for member in found[0]] if found else []


def _described_values(rule: dict[str, Any]) -> list[str]:
    return next(rule["enum"] for rule in (rule, *rule.get("anyOf", [])) if "enum" in rule)
