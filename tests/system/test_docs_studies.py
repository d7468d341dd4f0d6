#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands shown in README and docs/ that play in virtual time, shortened; see shown.py."""
import tempfile

import shown
from rack import SANITIZED, main, skip


def test():
    if SANITIZED:
        skip("shown commands are run with the release build")
    with tempfile.TemporaryDirectory(prefix="busbar-test-") as folder:
        shown.run_alone("study", folder)


main(test)
