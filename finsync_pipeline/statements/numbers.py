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


def read_numbers_sql(notation: Numbers) -> str:
    """SQL that adds `value` (float64; null if the text is not a number) to the table `cells`.

    `cells` has the columns `text` (trimmed), `exponent` (power of ten) and `sign` (1 or -1).
    """
    pattern = number_pattern(notation).replace("'", "''")
    groups = "['open', 'sign', 'digits', 'exponent', 'close']"
    brackets = "p.open = '(' AND p.close = ')' AND p.sign = ''" if notation.brackets_are_negative else "false"
    thousands, decimal = (mark.replace("'", "''") for mark in (notation.thousands, notation.decimal))
    plain = f"replace(replace(p.digits, '{thousands}', ''), '{decimal}', '.')"
    return f"""
        WITH parts AS (
            SELECT *, regexp_extract(text, '{pattern}', {groups}) AS p FROM cells
        ),
        marked AS (
            SELECT
                *, {brackets} AS in_brackets,
                p.open = '' AND p.close = '' AND p.digits <> '' AS bare
            FROM parts
        )
        SELECT
            * EXCLUDE (p, in_brackets, bare),
            CASE WHEN in_brackets OR bare THEN
                TRY_CAST(
                    {plain} || 'e' || (coalesce(TRY_CAST(p.exponent AS INTEGER), 0) + exponent) AS DOUBLE
                )
                * sign
                * (CASE WHEN in_brackets OR p.sign IN ('-', '\u2212') THEN -1 ELSE 1 END)
                + 0.0  -- no negative zero
            END AS value
        FROM marked
    """
