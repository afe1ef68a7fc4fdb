# SPDX-License-Identifier: MIT
"""Owns the configuration as a man page, camwatchd.toml(5): every key of every table, as the settings know it.

python -m camwatchd.adapters.config_man > debian/man/camwatchd.toml.5
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

from camwatchd.adapters.config_shape import Free, Leaf, Listed, Named, Section, section
from camwatchd.adapters.config_toml import literal
from camwatchd.adapters.config_values import convert
from camwatchd.core.ladder import LADDER
from camwatchd.core.settings import NAME, Key, RungSettings

_HEADER = r"""
.\" SPDX-License-Identifier: MIT
.\" Generated from the settings: python -m camwatchd.adapters.config_man > debian/man/camwatchd.toml.5
.Dd November 23, 2026
.Dt CAMWATCHD.TOML 5
.Os Debian
.nh
.Sh NAME
.Nm camwatchd.toml
.Nd the configuration of camwatchd
.Sh SYNOPSIS
.Pa /etc/camwatchd/config.toml
.Pp
.Pa /etc/camwatchd/conf.d/*.toml
.Sh DESCRIPTION
What
.Xr camwatchd 8
is told about its cameras, and when they count as failed.
The files are TOML.
.Pa config.toml
as it is installed shows every key, commented out; nothing has to be set.
Without any
.Bq camera
table the first camera that libcamera lists is
.Va cam0 .
.Pp
Files in
.Pa conf.d
are read after
.Pa config.toml ,
sorted by name, and win key by key: a fleet puts its settings there and leaves
.Pa config.toml
alone.
A
.Bq camera
table in any file is one more camera, or more keys of the one of that name.
.Pp
Durations are in seconds, whole or with a decimal point.
A key that is not known, a value that is out of its range and keys that contradict each other are refused, all at
once, each with the file, what was expected and a hint; the daemon then goes on with the configuration that it has, or,
at its start, ends with status 78.
.Pp
After a change:
.Bd -literal -offset indent
camwatchctl check-config
sudo systemctl reload camwatchd
.Ed
.Pp
What holds, and which file it comes from:
.Pp
.Dl camwatchd --print-config
.Sh TABLES
""".lstrip()

_FOOTER = r"""
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/camwatchd/config.toml
read first; shows every key with its default
.It Pa /etc/camwatchd/conf.d/*.toml
read after it, sorted by name
.El
.Sh EXAMPLES
Two cameras; the second one may fail without ever causing a restart or a reboot, and reboots are at night only:
.Bd -literal -offset indent
[reboot]
window = "02:00-04:30"

[camera.gate]
model = "imx708"
width = 1920
height = 1080
frame_rate = 10

[camera.garden]
model = "imx219"
required = false
.Ed
.Sh SEE ALSO
.Xr camwatchctl 1 ,
.Xr camwatchd 8
.Pp
TOML:
.Lk https://github.com/toml-lang/toml
""".strip()

_SENTENCE = re.compile(r'(?<=\.)(?<!e\.g\.) (?=[A-Z"])')


def page() -> str:
    """The whole page."""
    return "\n".join([_HEADER.rstrip(), *_section(section(), ""), _FOOTER]) + "\n"


def _section(shape: Section, path: str) -> Iterator[str]:
    """A table's own keys, then the tables within it, each under a heading of its own."""
    leaves = {name: key for name, key in shape.keys.items() if isinstance(key, Leaf | Free)}
    if leaves:
        yield ".Bl -tag -width Ds"
        for name, leaf in leaves.items():
            yield from _key(name, leaf, shape)
        yield ".El"
    for name, inner in shape.keys.items():
        yield from _table(inner, f"{path}.{name}" if path else name)


def _table(shape: Any, path: str) -> Iterator[str]:
    match shape:
        case Section():
            yield from _titled(f"[{path}]", shape, path)
        case Listed():
            yield from _titled(f"[[{path}]]", shape.section, path)
        case Named():
            path = f"{path}.<{shape.tables.called}>"
            yield from _titled(f"[{path}]", shape.section, path, tuple(_names(shape)))


def _titled(title: str, shape: Section, path: str, notes: tuple[str, ...] = ()) -> Iterator[str]:
    yield f".Ss {title}"
    yield from _text(_sentence((shape.cls.__doc__ or "").partition(": ")[2]))
    yield from notes
    yield from _section(shape, path)


def _names(named: Named) -> Iterator[str]:
    """Which names such a table may have."""
    table = named.tables
    names = [name for name in table.names if name not in table.keyless]
    if names:
        yield from _text(f"The {table.called} is one of {', '.join(names)}.")
    else:
        yield f"The {table.called} begins with a lower-case letter and has up to 32 of these:"
        yield f".Ql {NAME.partition(']')[2].partition('{')[0]} ."
    yield from (line for why in table.keyless.values() for line in _text(f"{_sentence(why)}."))


def _key(name: str, shape: Leaf | Free, table: Section) -> Iterator[str]:
    yield f".It Va {name}"
    yield from _text(shape.key.doc)
    if isinstance(shape, Free):
        yield from _text(f"A table, for example {shape.key.example}.")
        return
    yield from _text(f"{_sentence(shape.expected)}.")
    yield from _text(_default(shape, table))


def _default(leaf: Leaf, table: Section) -> str:
    if table.cls is RungSettings:
        return f"Default: {', '.join(_of_rungs(leaf))}."
    if leaf.default is not None:
        return f"Default: {literal(leaf.default)}."
    return f"Not set by default{_example(leaf.key)}."


def _of_rungs(leaf: Leaf) -> Iterator[str]:
    """Each rung has numbers of its own; none where it has no such number."""
    for row in LADDER[1:]:
        value = getattr(row, leaf.name)
        if convert(leaf, value) is not None:
            yield f"{row.rung} {literal(value)}"


def _example(key: Key) -> str:
    return f"; for example {key.example}" if key.example else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _text(text: str) -> Iterator[str]:
    """Prose, a line for each sentence; no line may look like a request."""
    for line in _SENTENCE.split(" ".join(text.split())):
        escaped = line.replace("\\", "\\e")
        yield f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(page())
