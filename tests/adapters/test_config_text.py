# SPDX-License-Identifier: MIT
"""Tests of the configuration as text: the shipped file and the effective values."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tomli

from camwatchd.adapters.config import Loaded, load
from camwatchd.adapters.config_shape import Leaf
from camwatchd.adapters.config_tables import key_paths, tables
from camwatchd.adapters.config_text import effective, example
from camwatchd.adapters.config_toml import dotted, literal
from camwatchd.core.settings import CameraSettings, ScriptedFault, Settings

SHIPPED = Path(__file__).parents[2] / "etc" / "camwatchd" / "config.toml"


def _load(root: Path, text: str) -> Loaded:
    (root / "config.toml").write_text(text)
    return load(root / "config.toml", root / "conf.d")


def _uncommented(text: str) -> str:
    """A # that touches what follows is in front of a key or table, one with a space begins prose."""
    return re.sub(r"(?m)^#(?=[^\s#])", "", text)


def test_shipped_file_is_generated() -> None:
    """The shipped file is what the settings say, nothing else."""
    regenerate = "python -m camwatchd.adapters.config_text > etc/camwatchd/config.toml"

    assert SHIPPED.read_text() == example(), f"regenerate it: {regenerate}"


def test_shipped_file_sets_nothing(tmp_path: Path) -> None:
    """As shipped, every key is commented out: the defaults hold and upgrades never prompt."""
    loaded = _load(tmp_path, example())

    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_shipped_values_are_the_defaults(tmp_path: Path) -> None:
    """Uncommented as a whole the shipped file is valid and equals the defaults wherever there is one."""
    settings = _load(tmp_path, _uncommented(example())).settings

    camera, defaults = settings.cameras[0], CameraSettings()
    assert [getattr(settings, f.name) for f in fields(Settings)[:-1]] == [
        getattr(Settings(), f.name) for f in fields(Settings)[:-1]
    ]
    for field in fields(CameraSettings):
        default: Any = getattr(defaults, field.name)
        assert default is None or getattr(camera, field.name) == default, field.name


def test_shipped_file_shows_every_key(tmp_path: Path) -> None:
    """Every key of every table is shown with a value; of two that exclude each other one stays commented."""
    loaded = _load(
        tmp_path, _uncommented(example()).replace("\n##at_frame", "\nat_frame").replace("\nat =", "\n#at =")
    )

    shown = {path for path, origin in loaded.origins.items() if origin != "default"}
    settable = {dotted(path) for path in key_paths(loaded.settings) if path[1] != "drill"}
    numbers_a_rung_has_not = {
        "ladder.restart-service.timeout",
        "ladder.reboot.timeout",
        "ladder.reboot.settle",
    }
    assert settable - shown == numbers_a_rung_has_not | {"camera.cam0.fault", "camera.cam0.controls"}
    (fault,) = loaded.settings.cameras[1].fault
    assert all(re.search(rf"(?m)^##?{field.name} = ", example()) for field in fields(ScriptedFault))
    assert (fault.at, fault.at_frame) == (None, 600)


def test_shipped_file_has_narrow_comments() -> None:
    """No line is wider than 100 columns."""
    assert [line for line in example().splitlines() if len(line) > 100] == []


@pytest.mark.parametrize("table", [*tables(Settings(cameras=(CameraSettings(fault=(ScriptedFault(),)),)))])
def test_every_key_is_documented(table: Any) -> None:
    """Every key says what it is for, and shows an example where it has no default to show."""
    for name, shape in table.section.keys.items():
        if isinstance(shape, Leaf):
            assert shape.key.doc.endswith("."), name
            has_row = table.path[0] == "ladder"  # the default of a rung's number stands in its row
            assert has_row or shape.default is not None or shape.key.example, name


RICH = """
[daemon]
standby = false
[supervision]
frame_timeout = 0.1
[ladder.restart-stream]
attempts = 4
[camera.b]
id = "a \\"quoted\\" \\\\ \\u007f \\U0001F4F7 \\n id"
controls = { ExposureTime = 10000, "odd key" = [1.5e-7, [true, "x"]] }
required = false
[camera.a]
backend = "simulated"
[camera.a.checks]
on_black = "recover"
[[camera.a.fault]]
at_frame = 6
until = "retry"
[[camera.a.fault]]
kind = "crash"
at = 1e-9
"""


def test_effective_values_load_to_the_same_settings(tmp_path: Path) -> None:
    """What --print-config prints is a configuration of its own, with the same meaning."""
    loaded = _load(tmp_path, RICH)
    again = _load(tmp_path, effective(loaded))

    assert again.settings == loaded.settings


def test_effective_defaults_load_to_the_defaults(tmp_path: Path) -> None:
    """Printing the defaults gives the defaults."""
    assert _load(tmp_path, effective(_load(tmp_path, ""))).settings == Settings()


def test_effective_values_tell_their_origin(tmp_path: Path) -> None:
    """Every line of a key ends with the file that sets it, or says that it is the default."""
    text = effective(_load(tmp_path, RICH))

    file = tmp_path / "config.toml"
    assert re.search(rf"(?m)^frame_timeout = 0\.1 +# from {file}$", text)
    assert re.search(r"(?m)^no_frame_timeout = 30\.0 +# default$", text)
    assert re.search(rf"(?m)^controls\.ExposureTime = 10000 +# from {file}$", text)
    assert re.search(rf"(?m)^at_frame = 6 +# from {file}$", text)
    assert re.search(r"(?m)^#frame_rate is not set +# default$", text)
    keys = [line for line in text.splitlines() if line and not line.startswith("[")]
    assert all(re.search(r"  # (default|from .+)$", line) for line in keys)


@pytest.mark.parametrize("text", ["\u05cc", "\u202e", "\u00a0", "\x7f", "\U000e0001", "d\u00e9 \U0001f4f7"])
def test_what_cannot_be_seen_is_escaped(text: str) -> None:
    """In a message on a terminal and in what is printed as TOML, which reads it back."""
    shown = literal(text)

    assert shown.isprintable()
    assert tomli.loads(f"x = {shown}") == {"x": text}
    assert ("\u00e9" in shown) == ("\u00e9" in text)
