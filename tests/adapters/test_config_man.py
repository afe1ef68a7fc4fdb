# SPDX-License-Identifier: MIT
"""camwatchd.toml(5) says of every key what the settings say, and its example can be used."""

import re
from pathlib import Path

import pytest

from camwatchd.adapters.config import load
from camwatchd.adapters.config_man import page
from camwatchd.adapters.config_shape import Free, Leaf, places
from camwatchd.adapters.config_tables import Table, tables
from camwatchd.adapters.config_toml import literal
from camwatchd.core.settings import CameraSettings, ScriptedFault, Settings

SHIPPED = Path(__file__).parents[2] / "debian" / "man" / "camwatchd.toml.5"
_NAMES = {"ladder": "<rung>", "camera": "<name>"}


def subsection(table: Table) -> str:
    """What stands under the heading of a table."""
    path = [_NAMES[str(table.path[0])] if n == 1 else str(name) for n, name in enumerate(table.path)]
    title = f"[[{'.'.join(path)}]]" if table.listed else f"[{'.'.join(path)}]"
    return re.split(r"^\.S[sh] ", page().split(f".Ss {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_page_is_generated() -> None:
    """The installed page is what the settings say, nothing else."""
    regenerate = "python -m camwatchd.adapters.config_man > debian/man/camwatchd.toml.5"

    assert SHIPPED.read_text() == page(), f"regenerate it: {regenerate}"


def test_every_key_is_on_the_page() -> None:
    """Every name that the configuration may hold is there, as a key or as a table, and no other key."""
    keys = set(re.findall(r"^\.It Va (.*)", page(), re.MULTILINE))
    named = {
        word for title in re.findall(r"^\.Ss (.*)", page(), re.MULTILINE) for word in re.split(r"\W+", title)
    }

    assert keys < set(places())
    assert {name for name in places() if "-" not in name and name != "retry"} - keys <= named | {"reboot"}


@pytest.mark.parametrize(
    "table",
    [*tables(Settings(cameras=(CameraSettings(fault=(ScriptedFault(),)),)))][1:],
    ids=lambda t: t.path,
)
def test_a_key_has_meaning_type_range_and_default(table: Table) -> None:
    """Under its table, each key says what it is for, what it may hold, and what holds without it."""
    text = subsection(table)
    shapes = {name: shape for name, shape in table.section.keys.items() if isinstance(shape, Leaf | Free)}

    assert re.findall(r"^\.It Va (.*)", text, re.MULTILINE) == list(shapes)
    for name, shape in shapes.items():
        item = " ".join(text.split(f".It Va {name}\n")[1].split(".It Va")[0].split())
        assert " ".join(shape.key.doc.split()) in item.replace("\\&", ""), name
        if isinstance(shape, Leaf):
            assert shape.expected[1:] in item, name
            ours = getattr(table.values, name)
            told = f"{table.path[-1]} {literal(ours)}" if table.path[0] == "ladder" and ours else ""
            usual = "Not set" if shape.default is None else f"Default: {literal(shape.default)}."
            assert (told or ("Default" if table.path[0] == "ladder" else usual)) in item, name


def test_the_example_can_be_used(tmp_path: Path) -> None:
    """What the page shows as a configuration is one."""
    example = page().split(".Sh EXAMPLES")[1].split(".Bd -literal -offset indent\n")[1].split(".Ed")[0]
    (tmp_path / "config.toml").write_text(example)

    settings = load(tmp_path / "config.toml", tmp_path / "conf.d").settings

    assert [(camera.name, camera.required) for camera in settings.cameras] == [
        ("gate", True),
        ("garden", False),
    ]
