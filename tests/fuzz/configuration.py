# SPDX-License-Identifier: MIT
"""Owns the configuration as a target: any text in the main file and in a drop-in, from reading to what is told of it.

An input is the two files, separated by NUL, which TOML does not allow.
"""

import re
import tempfile
from pathlib import Path

from camwatchd.adapters.config import Loaded, load
from camwatchd.adapters.config_cli import summary
from camwatchd.adapters.config_tables import tables
from camwatchd.adapters.config_text import effective, example
from camwatchd.core.settings import CameraSettings, ScriptedFault, Settings
from camwatchd.errors import ConfigError

NEXT = b"\x00"
_MEMORY = Path("/dev/shm")
_SHORT = re.compile(r"(?m)^#(\w+ = .*)$")
_TABLE = re.compile(r"(?m)^#(\[.*\])$")


class Configuration:
    """Two files in memory."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None)
        root = Path(self._folder.name)
        self._main, self._drop_ins = root / "config.toml", root / "conf.d"
        self._drop_in = self._drop_ins / "site.toml"
        self._drop_ins.mkdir()

    def take(self, data: bytes) -> None:
        """Settings that print and load again to the same, or problems that a terminal can show."""
        main, _, drop_in = data.partition(NEXT)
        text = self._told(self._load(main, drop_in))
        assert all(line.isprintable() for line in text.split("\n")), repr(text)

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def _told(self, loaded: Loaded | ConfigError) -> str:
        if isinstance(loaded, ConfigError):
            assert loaded.problems
            assert all(problem.expected and problem.hint for problem in loaded.problems), str(loaded)
            return str(loaded)
        printed = effective(loaded)
        again = self._load(printed.encode(), b"")
        assert isinstance(again, Loaded), f"{again}\n{printed}"
        assert again.settings == loaded.settings, printed
        return summary(loaded)

    def _load(self, main: bytes, drop_in: bytes) -> Loaded | ConfigError:
        self._main.write_bytes(main)
        if drop_in:
            self._drop_in.write_bytes(drop_in)
        else:
            self._drop_in.unlink(missing_ok=True)
        try:
            return load(self._main, self._drop_ins)
        except ConfigError as error:
            return error


def make() -> Configuration:
    """See `Family`."""
    return Configuration()


def _switched() -> str:
    """The shipped file with every key switched on, without a comment."""
    text = _SHORT.sub(r"\1", _TABLE.sub(r"\1", example()))
    return re.sub(r"(?m)^ *#.*\n|\n+(?=\n)", "", text)


def seeds() -> list[bytes]:
    """The shipped file: as it is; table by table, switched on; all of it, twice; what TOML can hold besides."""
    switched = _switched()
    parts = [f"[{part}" for part in re.split(r"(?m)^\[", switched)[1:]]
    odd = ["a=1\na=2", "[camera.x.y.z]\na={b=[{c=1}]}", "camera=3", "[[camera]]", "x=" + "[" * 400, "\ufeff[daemon]",
           "camera.a.backend='simulated'\ncamera.a.fault=[{kind='stall',at=1e308}]",
           "[camera.'\\u001b[31m']\n", "t=1979-05-27T07:32:00.999999-07:00", "n=" + "9" * 5000]  # fmt: skip
    whole = [text.encode() for text in (*parts, switched, *odd)]
    return [*whole, NEXT.join([whole[0], whole[0]]), NEXT.join(whole[-2:]), b"\xff", b""]


def heavy() -> list[bytes]:
    """Whole files: all that can be set; a typing error in each key; a hundred cameras; a long script."""
    everything, misspelt = _switched(), re.sub(r"(?m)^(\w+)(\w) = ", r"\1x\2 = ", _switched())
    crowd = "".join(f"[camera.cam{number}]\nframe_rate = {number}\n" for number in range(100))
    script = "[camera.cam0]\nbackend = 'simulated'\n" + "[[camera.cam0.fault]]\nkind = 'stall'\n" * 300
    deep = "".join(f"[a{'.a' * depth}]\n" for depth in range(1, 60))
    return [text.encode() for text in (example(), everything, misspelt, crowd, script, deep, "#" * 200_000)]


def words() -> list[bytes]:
    """Tables and keys, and values of every kind."""
    settings = Settings(cameras=(CameraSettings(backend="simulated", fault=(ScriptedFault(),)),))
    names = {name for table in tables(settings) for name in (*table.section.keys, *map(str, table.path))}
    values = [
        "true",
        "nan",
        "-inf",
        "1e400",
        "0",
        "-1",
        '"auto"',
        '"""',
        "[[",
        "]]",
        "={",
        "\n[",
        "1979-05-27",
        NEXT.decode(),
    ]
    return [word.encode() for word in (*sorted(names), *values)]
