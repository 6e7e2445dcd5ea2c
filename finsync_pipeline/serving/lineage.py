"""What a trace contains: a number or text of a release, and everything that it is made of, down to the delivered text.

Only types, and the words of their fields: they are the schema of an answer. `trace` fills them.
"""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Origin(_Part):
    """The delivered cell of a value, and how the mapping read it."""

    column: str = Field(description="Column of the source")
    raw_text: str | None = Field(description="The cell, exactly as delivered; null if it was")
    sign: int = Field(description="1, or -1 where the source shows the item with the opposite sign")
    power_of_ten: int | None = Field(description="The unit of the number, such as 3 for thousands; null if unreadable")
    unit_text: str | None = Field(
        description="The text of the row that gives the unit; null if the mapping declares it"
    )
    currency_text: str | None = Field(description="That gives the currency; null if the mapping declares it")
    period_text: str | None = Field(description="That gives the period end")
    length_text: str | None = Field(description="That gives the length; null if the mapping declares it")
    known_since_text: str | None = Field(description="That gives known_since; null if the source has no column for it")
    row: dict[str, str | None] = Field(description="The whole row, each cell exactly as delivered")
    mapping_hash: str = Field(description="Version of the mapping by which it was read")


class Decision(_Part):
    """Which reference company the row names, and how that was decided."""

    source_name: str | None = Field(description="The company as the source writes it")
    supporting_columns: dict[str, str | None] = Field(description="Supporting columns of the row, as delivered")
    kind: str | None = Field(description="What the mapping declares that the column holds; null: anything")
    status: str
    method: str | None = Field(description="How it was found; review: a reviewer decided it")
    steps: str | None = Field(description="What was ignored or repaired, or who reviewed it; null if exact")
    score: float | None = Field(description="Similarity to the company, 0 to 100")
    precision: float | None = Field(description="Expected share of right decisions of this kind")
    reference_version: str | None = Field(description="Version of the reference list")
    review_version: str | None = Field(description="Version of the review")


class SourceValue(_Part):
    """What one source has for the cell, and the row that it came from."""

    source: str
    value: float | None = Field(description="The number, in units of the currency; null for a text")
    text: str | None = Field(description="The text; null for a number")
    is_used: bool | None = Field(description="Whether the published value was made of it; null if that is not known")
    why_not: str | None = Field(description="Why it is not used")
    row_key: str
    data_version: str
    known_since: date | None
    first_seen: date | None = Field(description="null if the release was made before it was kept")
    origin: Origin | None = Field(description="The delivered cell; null if the raw row is not kept")
    why_no_origin: str | None = Field(description="Why the raw row is not kept")
    decision: Decision | None


class Unused(_Part):
    """A row or cell about the same company, item and day that was rejected or superseded."""

    source: str
    row_key: str | None
    is_whole_row: bool = Field(description="Whether the whole row is not used, or the cell alone")
    months: int | None
    currency: str | None
    outcome: str = Field(description="rejected or superseded")
    reason: str
    meaning: str
    raw_text: str | None = Field(description="The cell exactly as delivered")
    known_since: date | None
    other_row_key: str | None = Field(description="The row that is used instead, or one that it conflicts with")
    other_raw_text: str | None
    origin: Origin | None


class Version(_Part):
    """A version of the number that a source gives or gave."""

    source: str
    value: float | None = Field(description="null if the source has withdrawn it")
    row_key: str
    data_version: str
    known_since: date | None
    first_seen: date
    replaced_on: date | None = Field(description="Day of the first delivery without it; null if it still is delivered")
    why_suspect: str | None
    raw_text: str | None = Field(description="The cell exactly as delivered; null if the row is not kept")


class Revision(_Part):
    """A change of the number by its source."""

    source: str
    before: float | None
    after: float | None
    known_since: date
    cause: str
    factor: float | None


class Check(_Part):
    """An accounting identity with the item that does not hold."""

    identity: str
    equation: str
    source: str
    difference: float
    verdict: str
    culprit: str | None
    culprit_source: str | None
    cause: str


class Cell(_Part):
    """One published number, or why none is: one length and one currency on the day."""

    period_end: date
    months: int
    currency: str
    value: float | None = Field(description="The published value; null if there is none")
    explanation: str = Field(description="Why it is this value, or why there is none")
    is_withheld: bool
    verdict: str | None = Field(description="What the comparison of the sources found; null if no source has a value")
    rule: str | None = Field(description="Rule of agreement that joined the values")
    spread: float | None
    culprit: str | None
    factor: float | None
    why: str | None = Field(description="What is wrong, and what proves it")
    facts: list[SourceValue]
    versions: list[Version]
    revisions: list[Revision]
    checks: list[Check]


class Period(_Part):
    """A cell that a mean of the summary is made of, or would be if it were not withheld."""

    period_end: date
    months: int
    value: float | None
    verdict: str | None


class Mean(_Part):
    """A number of the company summary: the mean over the annual periods in one currency."""

    currency: str
    value: float | None
    count: int = Field(description="Periods that have a value")
    periods: list[Period]


class Trace(_Part):
    """Everything that a number or text of a release is made of."""

    release: str
    company_id: str
    company_name: str | None
    item: str
    description: str = Field(description="What the item is")
    period_end: date | None
    cells: list[Cell]
    texts: list[SourceValue] = Field(description="Of a text item, the text of each row")
    means: list[Mean] = Field(description="Without a day, the numbers of the company summary")
    unused: list[Unused]
    notes: list[str] = Field(description="What cannot be traced in this release, and why")
