# SPDX-License-Identifier: MIT
"""Owns what a target of the fuzzer is, and the list of them."""

import importlib
from typing import Protocol, cast


class Target(Protocol):
    """Lives through all inputs, as the daemon does, so that what one of them leaves behind is found."""

    def take(self, data: bytes) -> None:
        """One input. Whatever is raised is a defect of what is fuzzed."""

    def close(self) -> None:
        """The end."""


class Family(Protocol):
    """The module of a target."""

    def make(self) -> Target:
        """A fresh one."""

    def seeds(self) -> list[bytes]:
        """Inputs to begin with: what is really said, read and written."""

    def heavy(self) -> list[bytes]:
        """Inputs that take as long as we can think of; the fuzzer does not mutate them."""

    def words(self) -> list[bytes]:
        """What mutations are made of, besides bits and bytes."""


NAMES = ("control", "configuration", "stderr")


def family(name: str) -> Family:
    """The module. Imported late, for the fuzzer instruments what is imported under its eyes."""
    return cast("Family", importlib.import_module(f"tests.fuzz.{name}"))
