# SPDX-License-Identifier: MIT
"""Owns `python -m tests.vm`: builds what is not built yet, so that the tests find it ready."""

from .snapshot import installed

if __name__ == "__main__":
    installed()
