# SPDX-License-Identifier: MIT
"""Proves that the ledger survives SIGKILL at any moment. Taken: being written."""
