# SPDX-License-Identifier: MIT
"""Owns the demo: the real daemon lives through five faults of a simulated camera, told and summed up in a minute."""
