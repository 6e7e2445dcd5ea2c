"""Numbers as people write them: `26k`, `1.5 bn`, `1 lakh 10 thousand`, `2 crore`. What is not certain is an error."""

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.serving.text_tokens import amount_at, tokens_of

EXAMPLES = "write 1500000, 26k, 1.5 bn, -3 million, 1 lakh 10 thousand or 2 crore, with a point before decimals"


def read_number(text: str, where: str = "") -> float:
    """The number that the whole text is. Raises QueryError, with examples."""
    tokens = tokens_of(text[:200])
    found = amount_at(tokens, 0)
    if found is None or found.after != len(tokens):
        raise QueryError(f"{text[:60]!r} is not a number", EXAMPLES, where)
    return found.value


def plain(value: float) -> str:
    """The number in digits alone, as addresses and conditions have it."""
    return str(int(value)) if value == int(value) else repr(value)
