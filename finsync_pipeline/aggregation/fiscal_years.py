"""Fiscal years: for each day on which a period of a company ends, its fiscal year and quarter, by the year end.

A fiscal year has the number of the calendar year in which it ends, which is what its period end shows: the year to
31 January 2010 is 2010. (Others count differently: the data sets of the SEC count a year that ends in January, February
or March to the year before, and companies do not agree among themselves.)
A year of 52 or 53 weeks may end in the first days of the next month. Such a day counts to the month before, so that the
year to 2 January 2010 is 2009.

A company's year ends are the ends of its periods of twelve months. Some companies publish trailing twelve months as
well: of periods that overlap, those count whose month is the more frequent, and if equally frequent, the later. A
company that changes its year end so has each year as it was; days that are in none of its years count by the nearest.
"""

DAYS_INTO_MONTH = 7
"""How far into the next month a year of 52 or 53 weeks may end."""


def fiscal_years_sql(financials: str, days: str | None = None) -> str:
    """A SELECT in DuckDB with a row for each company and period end of the days.

    Columns: company_id, period_end, fiscal_year, fiscal_quarter (1 to 4, both int64), and is_year_end_assumed: the
    company has no period of twelve months, and its year is the calendar year. `financials` is the name of a wide table
    FINANCIALS, or a SELECT in parentheses; `days` is one of any table with company_id and period_end, such as DERIVED,
    otherwise the same.
    """
    # Months are counted from the year 0, so that a month modulo 12 is 0 in January and 11 in December
    month = f"12 * year(period_end - {DAYS_INTO_MONTH}) + month(period_end - {DAYS_INTO_MONTH}) - 1"
    return f"""
        WITH days AS (
            SELECT DISTINCT company_id, period_end, {month} AS month FROM {days or financials}
        ),
        annual AS (
            SELECT DISTINCT company_id, {month} AS year_end FROM {financials} WHERE months = 12
        ),
        counted AS (
            SELECT *, row(count(*) OVER same_month, max(year_end) OVER same_month) AS weight
            FROM annual
            WINDOW same_month AS (PARTITION BY company_id, year_end % 12)
        ),
        year_ends AS (
            SELECT company_id, year_end
            FROM counted
            ANTI JOIN counted AS other
                ON
                    other.company_id = counted.company_id
                    AND abs(other.year_end - counted.year_end) < 12
                    AND other.weight > counted.weight
        ),
        neighbours AS (
            SELECT days.*, before.year_end AS last_year_end, after.year_end AS next_year_end
            FROM days
            ASOF LEFT JOIN year_ends AS before
                ON before.company_id = days.company_id AND before.year_end <= days.month
            ASOF LEFT JOIN year_ends AS after
                ON after.company_id = days.company_id AND after.year_end >= days.month
        ),
        ends AS (
            SELECT
                *,
                CASE
                    WHEN next_year_end < month + 12 THEN next_year_end
                    WHEN month - last_year_end < next_year_end - month THEN last_year_end
                    ELSE coalesce(next_year_end, last_year_end, 11)
                END AS nearest_year_end,
                month + (nearest_year_end - month % 12 + 12) % 12 AS year_end
            FROM neighbours
        )
        SELECT
            company_id, period_end, year_end // 12 AS fiscal_year, 4 - (year_end - month) // 3 AS fiscal_quarter,
            coalesce(last_year_end, next_year_end) IS NULL AS is_year_end_assumed
        FROM ends
    """
