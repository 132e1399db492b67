#!/usr/bin/env python3
"""Writes Sources/MailModel/Values/LowerCase+Table.swift. Run at the package's root.

The table is part of the stored and replicated formats: it has the simple lower-case mappings of the Unicode version that
is named here, and only a Python that knows this very version writes it. A newer table needs a new cluster version.
"""

import sys
import unicodedata

VERSION = "14.0.0"
FILE = "Sources/MailModel/Values/LowerCase+Table.swift"

if unicodedata.unidata_version != VERSION:
    sys.exit("this Python knows Unicode %s, the table is of %s" % (unicodedata.unidata_version, VERSION))

# First, last, step and distance of code points that are mapped. Python has full mappings only: of the one that is more
# than a letter (U+0130), the first letter is the simple mapping.
runs = []
for code in range(0x80, 0x110000):
    if 0xD800 <= code < 0xE000:
        continue
    distance = ord(chr(code).lower()[0]) - code
    if distance == 0:
        continue
    last = runs[-1] if runs else None
    gap = code - last[1] if last else 0
    if last and last[3] == distance and gap in (1, 2) and last[2] in (0, gap):
        last[1], last[2] = code, gap
    else:
        runs.append([code, code, 0, distance])

with open(FILE, "w") as file:
    file.write("// Written by Scripts/generate-lower-case-table.py.\n\n")
    file.write("extension LowerCase {\n")
    file.write("    /// Of the Unicode version whose mappings these are.\n")
    file.write('    static let unicodeVersion = "%s"\n\n' % VERSION)
    file.write("    /// First and last code point, step between those that are mapped, distance to the small letter; by rising\n")
    file.write("    /// first code point, and none is within another.\n")
    file.write("    static let runs: [(first: UInt32, last: UInt32, step: UInt32, distance: Int32)] = [\n")
    for first, last, step, distance in runs:
        file.write("        (0x%04x, 0x%04x, %d, %d),\n" % (first, last, step or 1, distance))
    file.write("    ]\n}\n")
