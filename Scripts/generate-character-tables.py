#!/usr/bin/env python3
"""Writes the tables of Sources/MessageFormat/Charsets. Run at the package's root; needs Python 3.11 or later only."""

import unicodedata

FOLDER = "Sources/MessageFormat/Charsets/"
CHARSETS = [
    ("latin2", "iso8859_2"), ("latin3", "iso8859_3"), ("latin4", "iso8859_4"), ("cyrillic", "iso8859_5"),
    ("greek", "iso8859_7"), ("latin6", "iso8859_10"), ("latin7", "iso8859_13"), ("latin8", "iso8859_14"),
    ("latin9", "iso8859_15"), ("latin10", "iso8859_16"), ("windows1250", "cp1250"), ("windows1251", "cp1251"),
    ("windows1252", "cp1252"), ("windows1253", "cp1253"), ("windows1254", "cp1254"), ("windows1257", "cp1257"),
    ("koi8r", "koi8_r"), ("koi8u", "koi8_u"), ("ibm866", "cp866"),
]
RANGES = [(0x00C0, 0x024F), (0x0370, 0x052F), (0x1E00, 0x1FFF)]


def literal(text):
    out = []
    for char in text:
        plain = unicodedata.category(char)[0] in "LNPS" and not unicodedata.combining(char) and char not in '"\\\ufffd'
        out.append(char if plain else "\\u{%X}" % ord(char))
    rows, row = [], ""
    for piece in out:
        if len(row) + len(piece) > 100:
            rows.append(row)
            row = ""
        row += piece
    rows.append(row)
    return '"""\n' + "".join("        %s%s\n" % (row, "\\" if row is not rows[-1] else "") for row in rows) + '        """'


def decoded(byte, codec):
    try:
        return bytes([byte]).decode(codec)
    except UnicodeDecodeError:
        return "\ufffd"


def folded(code):
    base = "".join(c for c in unicodedata.normalize("NFD", chr(code)) if unicodedata.category(c) != "Mn")
    if len(base) != 1:
        base = chr(code)
    for mapped in (base.casefold(), base.lower()):
        if len(mapped) == 1:
            base = mapped
            break
    return "." if base == chr(code) else base


HEAD = "// Written by Scripts/generate-character-tables.py.\n\n"
with open(FOLDER + "SingleByteTable+Charsets.swift", "w") as file:
    file.write(HEAD + "extension SingleByteTable {\n")
    for name, codec in CHARSETS:
        text = "".join(decoded(byte, codec) for byte in range(0x80, 0x100))
        file.write("    static let %s = SingleByteTable(\n        %s\n    )\n" % (name, literal(text)))
    file.write("}\n")
with open(FOLDER + "CaseFolding+Tables.swift", "w") as file:
    file.write(HEAD + "extension CaseFolding {\n")
    for first, last in RANGES:
        file.write("    /// U+%04X to U+%04X.\n" % (first, last))
        text = "".join(folded(code) for code in range(first, last + 1))
        file.write("    static let from%04X = table(\n        %s,\n        first: 0x%04x\n    )\n" % (first, literal(text), first))
    file.write("}\n")
