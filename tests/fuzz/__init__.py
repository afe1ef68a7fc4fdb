# SPDX-License-Identifier: MIT
"""Owns the fuzzer's harness: what others may write to the daemon, a million times over; see `make bench-fuzz`."""
