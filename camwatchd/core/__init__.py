# SPDX-License-Identifier: MIT
"""The part that decides: pure functions and data; no I/O, no clock, no logging, no threads."""
