# SPDX-License-Identifier: MIT
"""The camera backends behind one contract (base.py); one module per backend, found by its name."""
