#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands shown in README and docs/ that play in virtual time, shortened; see shown.py."""
import shown
from rack import main

main(lambda: shown.test_alone("study"))
