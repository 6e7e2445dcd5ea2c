"""Reading of numbers: a text is one number in the source's own notation, or it is none; nothing is guessed.

`1,234`, `(1,234)`, `-1.5`, `.85` and `1.2e6` are read as the mapping's `numbers` declares; `12,34`, `(-5)` and
`n/m` are not numbers. The scale is joined to the text as a power of ten before the one conversion to
float64, so that `3606.314` millions is 3606314000 and not a neighbour of it.
"""

import re

from finsync_pipeline.statements.mapping import Numbers


def number_pattern(notation: Numbers) -> str:
    """Regular expression (RE2) with the groups open, sign, digits, exponent and close."""
    decimal = re.escape(notation.decimal)
    whole = r"\d+"
    if notation.thousands:
        whole = rf"\d{{1,3}}(?:{re.escape(notation.thousands)}\d{{3}})+|\d+"
    digits = rf"(?:{whole})(?:{decimal}\d*)?|{decimal}\d+"
    return rf"^(\(?)([-+\x{{2212}}]?)({digits})(?:[eE]([-+]?\d{{1,3}}))?(\)?)$"


def number_parts_sql(notation: Numbers, text: str) -> str:
    """SQL of the parts of a trimmed text (SQL, too), for `number_sql`."""
    pattern = number_pattern(notation).replace("'", "''")
    return f"regexp_extract({text}, '{pattern}', ['open', 'sign', 'digits', 'exponent', 'close'])"


def number_sql(notation: Numbers, parts: str, exponent: str, sign: str) -> str:
    """SQL of the number (float64; null if the text is not one) that a text with these parts means.

    `parts` names a column of `number_parts_sql`, `exponent` (power of ten) and `sign` (1 or -1) are SQL.
    """
    brackets = f"{parts}.open = '(' AND {parts}.close = ')' AND {parts}.sign = ''"
    in_brackets = brackets if notation.brackets_are_negative else "false"
    is_bare = f"{parts}.open = '' AND {parts}.close = '' AND {parts}.digits <> ''"
    thousands, decimal = (mark.replace("'", "''") for mark in (notation.thousands, notation.decimal))
    plain = f"replace(replace({parts}.digits, '{thousands}', ''), '{decimal}', '.')"
    return f"""
        CASE WHEN ({in_brackets}) OR ({is_bare}) THEN
            TRY_CAST({plain} || 'e' || (coalesce(TRY_CAST({parts}.exponent AS INTEGER), 0) + {exponent}) AS DOUBLE)
            * {sign}
            * (CASE WHEN ({in_brackets}) OR {parts}.sign IN ('-', '\u2212') THEN -1 ELSE 1 END)
            + 0.0  -- no negative zero
        END
    """
