#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands shown in README and docs/ that bring a rack of their own and run it in real time, shortened; see shown.py."""
import shown
from rack import main

main(lambda: shown.test_alone("demo"))
