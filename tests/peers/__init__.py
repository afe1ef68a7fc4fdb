# SPDX-License-Identifier: MIT
"""What other programs, and this one, make of the same faults of the same camera."""
