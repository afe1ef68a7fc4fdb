# SPDX-License-Identifier: MIT
"""Owns the container as a test sees it: boots, commands, files, its journal, what systemd says of a unit."""

import itertools
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .journal import Entry, Journal
from .nspawn import Boot

UNIT = "camwatchd.service"
RETRIES = ("camwatchd-retry.timer", "camwatchd-retry.service")
PATIENCE = 30.0  # seconds; only ever waited for in full by a test that fails
_numbers = itertools.count()


class Container:
    """A copy of a tree, on or off. A context manager: nothing of it is left behind."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self._folder = folder / str(next(_numbers))
        self._folder.mkdir()
        self.tree = self._folder / "root"
        subprocess.run(["cp", "--archive", "--reflink=auto", str(tree), str(self.tree)], check=True)
        self._console = self._folder / "console.log"
        self._on: Boot | None = None
        self._options: list[str] = []
        self._prepare: list[str] = []
        self.journal = Journal(self.tree)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._on:
            self._on.kill()
        self.journal.close()
        shutil.rmtree(self._folder)

    # --- before the boot --------------------------------------------------------------------------------------

    def put(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """A file, also while it runs; a new one in place of any that is there. Not for /run and /tmp."""
        target = self.tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.new")
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.chmod(mode)
        draft.replace(target)

    def configure(self, *texts: str) -> None:
        """Drop-ins for the daemon, in place of those of the last call; later ones win key by key."""
        for old in (self.tree / "etc/camwatchd/conf.d").glob("test-*.toml"):
            old.unlink()
        for number, text in enumerate(texts):
            self.put(f"/etc/camwatchd/conf.d/test-{number}.toml", text)

    def drop_in(self, text: str, unit: str = UNIT, name: str = "test") -> None:
        """A drop-in for a unit; systemd knows it at once."""
        self.put(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        if self._on and not self._on.end:
            self.run("systemctl daemon-reload")

    def lend(self, *options: str, prepare: str = "") -> None:
        """For all boots from now on: options for systemd-nspawn, and shell commands before it, such as a mount."""
        self._options += options
        self._prepare += [prepare] if prepare else []

    # --- on and off -------------------------------------------------------------------------------------------

    @property
    def on(self) -> Boot:
        """The boot that runs; a container that is off, or went down by itself, is a failure."""
        assert self._on, "the container is off"
        assert not self._on.end, f"the container has ended: {self._on.end}"
        return self._on

    def boot(self, *, ready: bool = True, uptime: float = 0.0) -> None:
        """Switch it on. Without `ready`, go on as soon as PID 1 is there; its clock begins at `uptime`."""
        assert self._on is None, "the container is on"
        prepare = "\n".join(self._prepare)
        self._on = Boot(self.tree, self._console, self._options, uptime, prepare)
        if ready:
            self._on.await_ready(PATIENCE)
        self._on.hear_no_more()

    def await_end(self, timeout: float = PATIENCE) -> str:
        """Until it goes down by itself: "reboot" or "power-off"; it stays off."""
        assert self._on, "the container is off"
        with suppress(subprocess.TimeoutExpired):
            self._on.process.wait(timeout)
        assert self._on.end, f"still on after {timeout:g} s"
        end = self._on.end
        self.crash()
        return end

    def await_reboot(self, timeout: float = PATIENCE, *, ready: bool = True) -> None:
        """Until it reboots, and is on again."""
        end = self.await_end(timeout)
        assert end == "reboot", f"{end}"
        self.boot(ready=ready)

    def stays_on(self, seconds: float) -> None:
        """For so long it neither reboots nor goes down."""
        with suppress(subprocess.TimeoutExpired):
            self.on.process.wait(seconds)
        assert self.on

    def power_off(self) -> None:
        """In order."""
        self.run("systemctl poweroff", check=False)
        end = self.await_end()
        assert end == "power-off", f"{end}"

    def crash(self) -> None:
        """Every process is killed at once, and the container is off."""
        if self._on:
            self._on.kill()
        self._on = None

    # --- while it is on ---------------------------------------------------------------------------------------

    def run(
        self, command: str, timeout: float = PATIENCE, *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """A shell command line, as root."""
        words = self.on.command("sh", "-c", command)
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
        assert not check or done.returncode == 0, (
            f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def unit(self, *properties: str, name: str = UNIT) -> dict[str, str]:
        """Properties of a unit, as systemctl show prints them."""
        shown = self.run(f"systemctl show {name} --property={','.join(properties)}").stdout
        return dict(line.split("=", 1) for line in shown.splitlines())

    def await_unit(self, timeout: float = PATIENCE, name: str = UNIT, **patterns: str) -> dict[str, str]:
        """Properties of a unit, once all of them fit. systemd tells changes only to subscribers on the bus, which
        no command can be: asked for again at each entry of the journal, and a few times a second.
        """
        shown: dict[str, str] = {}

        def fits() -> bool:
            shown.update(self.unit(*patterns, name=name))
            return all(re.search(pattern, shown[key]) for key, pattern in patterns.items())

        assert self.journal.wait(fits, timeout), f"{name}: {patterns} never was; is {shown}"
        return shown

    def entry(
        self, pattern: str = "", *, after: Entry | None = None, timeout: float = PATIENCE, **fields: str
    ) -> Entry:
        """The first entry of the journal that fits, once it is written; see Journal."""
        found: list[Entry] = []

        def there() -> bool:
            found[:] = self.journal.all(pattern, after=after, **fields)[:1]
            return bool(found)

        self.journal.wait(lambda: there() or self._over(), timeout)
        if not found:  # what was said last may still be on its way
            self.journal.wait(there, 1)
        assert found, f"no entry {pattern!r} {fields} within {timeout:g} s"
        return found[0]

    def until(self, done: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
        """Until something else holds that no entry and no property tells."""
        assert self.journal.wait(done, timeout), f"{what}: not within {timeout:g} s"

    def _over(self) -> bool:
        return self._on is not None and self._on.end != ""

    def tail(self) -> str:
        """For the report of a failure: the last that was said about the daemon, and on the console."""
        parts = [
            self.journal.tail(UNIT, *RETRIES),
            "--- console",
            self._on.console_tail(10) if self._on else "off",
        ]
        return "\n".join(parts)
