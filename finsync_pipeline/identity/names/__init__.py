"""Which listed company a name means: normal forms of names, their legal forms, and how two names match.

`normal_form` writes a name in forms from the most literal to the least (`words` and `legal_forms` have the vocabulary),
`name_index` prepares the listed names, `matching` finds those that a source's name matches, `typos` those with a word
mistyped. Nothing here reads a list or a source; how names, codes and tickers are weighed is in `texts`.
"""
