# SPDX-License-Identifier: MIT
"""Owns the machine as the doctor looks at it: files below a root, commands with a time-out, the configuration.

Nothing here raises for what a machine does not have or does not show; None says so.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from camwatchd import CONFIG_FILE
from camwatchd.adapters import config, guard_words
from camwatchd.adapters.host import Host
from camwatchd.control.client import DEFAULT_SOCKET
from camwatchd.core.settings import CameraSettings, Settings
from camwatchd.errors import ConfigError

UNIT = "camwatchd.service"
USER = "camwatchd"  # User= of the unit
NOT_INSTALLED = "camwatchd is not installed as a package here"
_PATIENCE = 1.5  # seconds for one command


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The machine; another root, another $PATH and another daemon in tests."""

    root: Path = Path("/")
    socket: str = DEFAULT_SOCKET
    path: str = field(default_factory=lambda: os.environ.get("PATH") or "/usr/bin:/bin")

    @property
    def config(self) -> tuple[Path, Path]:
        """The configuration that the service reads: its file, and the folder of drop-ins."""
        return self.root / CONFIG_FILE.lstrip("/"), self.root / "etc/camwatchd/conf.d"

    @property
    def installed(self) -> bool:
        """Whether the package is there, and not only this code."""
        return self.has(guard_words.PROGRAM)

    @property
    def host(self) -> Host:
        """The same machine, for what the daemon looks at, too."""
        return Host(self.root)

    def read(self, path: str | Path) -> str | None:
        """The text of a file without white space around it; None: it is not there, or not for us."""
        try:
            return (self.root / path).read_text(errors="replace").strip("\0 \n\t")
        except OSError:
            return None

    def number(self, path: str | Path) -> int | None:
        """The number that a file holds."""
        try:
            return int(self.read(path) or "")
        except ValueError:
            return None

    def has(self, path: str | Path) -> bool:
        """Whether it is there, and we may know."""
        return os.access(self.root / path, os.F_OK)

    def files(self, pattern: str) -> list[Path]:
        """What is there by this pattern, sorted; nothing in folders that we may not read."""
        return matching(self.root, pattern)

    def run(self, *arguments: str) -> str | None:
        """What a command prints; None: it is not there, failed or took too long."""
        try:
            done = subprocess.run(  # noqa: S603  # our own words, and no shell
                arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=True,
                env={"PATH": self.path, "LC_ALL": "C"},
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.decode("utf-8", "replace")

    def show(self, *properties: str, unit: str = "") -> dict[str, str]:
        """Properties of a unit, or of systemd itself; {}: there is no systemd that answers."""
        asked = ["systemctl", "show", f"--property={','.join(properties)}", *filter(None, [unit])]
        lines = (self.run(*asked) or "").splitlines()
        return dict(line.partition("=")[::2] for line in lines if "=" in line)

    def settings(self) -> Settings | None:
        """What is configured; None: it cannot be used, as the check of the configuration says."""
        try:
            return config.load(*self.config, self.host).settings
        except ConfigError:
            return None

    def real_cameras(self) -> tuple[CameraSettings, ...]:
        """The configured cameras that are not simulated; with an unusable configuration, the default one."""
        return real(self.settings() or Settings())


def matching(folder: Path, pattern: str) -> list[Path]:
    """What is in a folder that may not be one, or not for us."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def real(settings: Settings) -> tuple[CameraSettings, ...]:
    """Those of them that picamera2 is to open."""
    return tuple(camera for camera in settings.cameras if camera.backend == "picamera2")
