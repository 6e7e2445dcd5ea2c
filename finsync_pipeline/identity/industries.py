"""Industries as the reference list writes them: names, or codes of the Standard Industrial Classification (SIC)."""

INDUSTRIES = ("bank", "insurer", "broker", "real_estate", "other")
_SIC = {
    "bank": range(6000, 6200),
    "broker": range(6200, 6300),
    "insurer": range(6300, 6412),
    "real_estate": range(6500, 6800),
}


def read_industry(text: str) -> str | None:
    """The industry that a name of INDUSTRIES or a SIC code of four digits means; None if it is neither."""
    name = text.strip().casefold().replace(" ", "_")
    if len(name) == 4 and name.isascii() and name.isdigit():
        return next((industry for industry, codes in _SIC.items() if int(name) in codes), "other")
    return name if name in INDUSTRIES else None
