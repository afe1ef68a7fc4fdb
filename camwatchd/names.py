# SPDX-License-Identifier: MIT
"""Owns what a camera and its packages may call themselves: a firmware may say anything, and of any length."""

from collections.abc import Mapping

from camwatchd.adapters.entry import readable

_LONGEST = 200  # characters; libcamera's ids of USB cameras are the longest
_PACKAGES = 16


def name(text: str) -> str:
    """In one line, without what would move a cursor."""
    return " ".join(readable(text).split())[:_LONGEST]


def versions(known: Mapping[str, str]) -> dict[str, str]:
    """Of a few packages, shortly: they go into each incident, and a record is no longer than a message may be."""
    return {name(package): name(version) for package, version in list(known.items())[:_PACKAGES]}
