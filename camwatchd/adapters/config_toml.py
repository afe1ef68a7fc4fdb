# SPDX-License-Identifier: MIT
"""Owns the spelling of TOML: values and key paths as text that TOML reads back to the same."""

import json
import re
from datetime import date, time
from enum import Enum
from typing import Any

KeyPath = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DEEPEST = (
    20  # levels of lists and tables that are written out; we accept three, others are only quoted back
)


def literal(value: Any, depth: int = 0) -> str:
    """A value as TOML."""
    if depth > _DEEPEST:
        return "..."
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return literal(value.value)
        case str():
            return _text(value)
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(literal(item, depth + 1) for item in value)}]"
        case dict():
            return _inline_table(value, depth)
    return repr(value)


def dotted(path: KeyPath) -> str:
    """A key path as TOML, e.g. camera.cam0.width; items of an array are counted from 0."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path)[1:]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    # JSON escapes are TOML escapes; what else cannot be seen, or moves a cursor, is to be seen for what it is.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else _escape(ord(each)) for each in quoted)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _inline_table(table: dict[str, Any], depth: int) -> str:
    items = [f"{_key(name)} = {literal(item, depth + 1)}" for name, item in table.items()]
    return f"{{ {', '.join(items)} }}" if items else "{}"
