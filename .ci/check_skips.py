"""Fail if a test was skipped for want of real weights although they are here.

python3 .ci/check_skips.py junit.xml
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

DATA_VARIABLE = "MEADOW_TEST_DATA"
INSTALLED = ("pip install", "apt-get install")  # what a test says that wants what CI installs


def skipped_tests(report: Path) -> list[tuple[str, str]]:
    return [
        (f"{case.get('classname')}::{case.get('name')}", skipped.get("message") or "")
        for case in ElementTree.parse(report).iter("testcase")
        for skipped in case.iter("skipped")
    ]


def main() -> None:
    skipped = skipped_tests(Path(sys.argv[1]))
    for test, reason in skipped:
        print(f"skipped: {test}: {reason}")
    wanting = [test for test, reason in skipped if any(word in reason for word in INSTALLED)]
    if wanting:
        sys.exit(f"{len(wanting)} tests did not find what CI installs")
    without_data = [test for test, reason in skipped if DATA_VARIABLE in reason]
    if without_data and os.environ.get(DATA_VARIABLE):
        sys.exit(f"{len(without_data)} tests did not find the data of {DATA_VARIABLE}")
    print(f"{len(skipped)} skipped, {len(without_data)} of them for want of {DATA_VARIABLE}")


if __name__ == "__main__":
    main()
