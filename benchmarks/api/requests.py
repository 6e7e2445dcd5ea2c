"""What is asked: endless paths of each kind, the same in every run, and what asks Datasette for the same rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import quote, urlencode

from benchmarks.api.dataset import ANNUAL, Dataset, means
from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.statements.items import ITEMS

FILTERED = ("revenue", "net_income", "total_assets", "cash_from_operations", "equity", "inventory")
ROWS = 100
MOST_ROWS = 10_000
UNCOUNTED = {"_shape": "objects", "_size": ROWS, "_nocount": 1, "_nofacet": 1, "_nosuggest": 1}
SHOWN = ("company_id", "company_name", "currency", "periods", "first_period", "last_period")


@dataclass(frozen=True)
class Filtered:
    """Companies with at least `least` of `item`, ranked by another one."""

    item: str
    least: float
    order_by: str

    @property
    def shown(self) -> list[str]:
        """The items of the answer."""
        return list(dict.fromkeys((self.order_by, self.item)))


class Asking:
    """The companies and values that the requests are about."""

    def __init__(self, dataset: Dataset) -> None:
        self._companies = dataset.company_ids
        self._means = {item: means(dataset, item) for item in FILTERED}
        self._release = dataset.release.name

    def companies(self) -> Iterator[str]:
        """Companies at random."""
        random = Random("companies")
        while True:
            yield random.choice(self._companies)

    def filters(self) -> Iterator[Filtered]:
        """Conditions on random items, which a twentieth to nine tenths of all companies meet."""
        random = Random("filters")
        while True:
            item, order_by = random.sample(FILTERED, 2)
            place = random.uniform(0.1, 0.95)
            values = self._means[item]
            yield Filtered(item, round(values[int(place * len(values))], 2), order_by)

    def statements(self) -> Iterator[str]:
        """All statements of a company."""
        return (f"{PREFIX}/companies/{company}/statements" for company in self.companies())

    def after_mean(self) -> Iterator[str]:
        """A filter of all companies by their means."""
        return (_screen("where", each) for each in self.filters())

    def before_mean(self) -> Iterator[str]:
        """A filter of all annual periods, of which the means are made."""
        return (_screen("where_periods", each) for each in self.filters())

    def facts(self) -> Iterator[str]:
        """The numbers of single sources of a company and an item."""
        return (
            f"{PREFIX}/facts?company_id={company}&item={FILTERED[number % len(FILTERED)]}"
            for number, company in enumerate(self.companies())
        )

    def all_facts(self, format_: str) -> Iterator[str]:
        """As many rows as a page may have."""
        random = Random("pages")
        while True:
            after = random.randrange(100 * len(self._companies))
            yield f"{PREFIX}/facts?limit={MOST_ROWS}&after={after}&format={format_}"

    def everything(self) -> Iterator[str]:
        """All kinds of requests at random; some with the tag of an answer that the client already has."""
        random, companies = Random("everything"), self.companies()
        kinds: list[tuple[int, Callable[[], Iterator[str]]]] = [
            (40, self.statements), (12, self.after_mean), (6, self.before_mean), (10, self.facts),
            (2, lambda: self.all_facts("csv")), (2, lambda: self.all_facts("arrow")),
            (4, lambda: (f"{PREFIX}/companies?q={company}" for company in companies)),
            (4, lambda: (f"{PREFIX}/companies/{company}/statements?derived=trailing_year" for company in companies)),
            (4, lambda: (f"{PREFIX}/periods?company_id={company}&columns=revenue" for company in companies)),
            (4, lambda: (f"{PREFIX}/disputes?company_id={company}" for company in companies)),
            (4, lambda: (f"{PREFIX}/releases/{self._release}\nIf-None-Match: *" for _ in companies)),
            (4, lambda: (f"{PREFIX}/companies/{company}/statements\nIf-None-Match: *" for company in companies)),
            (4, lambda: (self._query(company) for company in companies)),
        ]  # fmt: skip
        streams = [(weight, make()) for weight, make in kinds]
        weights = [weight for weight, _ in streams]
        while True:
            [(_, stream)] = random.choices(streams, weights)
            yield next(stream)

    def _query(self, company: str) -> str:
        sql = f"SELECT period_end, revenue FROM financials WHERE company_id = '{company}' AND months = 12"
        return f"{PREFIX}/query?release={self._release}&q={quote(sql)}"

    def of_datasette(self) -> Mapping[str, Iterator[str]]:
        """The same of Datasette: every column of a company's periods, and the two filters."""
        return {
            "statements": (
                f"/release/financials.json?{urlencode({'company_id': company, **UNCOUNTED})}"
                for company in self.companies()
            ),
            "after_mean": map(_by_means, self.filters()),
            "before_mean": map(_by_periods, self.filters()),
        }


def _screen(kind: str, asked: Filtered) -> str:
    condition = f"{asked.item} >= {asked.least!r}"
    parameters: Sequence[tuple[str, object]] = [(kind, condition), ("order_by", asked.order_by), ("limit", ROWS)]
    return f"{PREFIX}/screen?{urlencode(parameters)}"


def _by_means(asked: Filtered) -> str:
    columns = [("_col", column) for column in (*SHOWN, *asked.shown)]
    condition = [(f"{asked.item}__gte", asked.least), ("_sort_desc", asked.order_by)]
    return f"/release/company_summary.json?{urlencode([*condition, *columns, *UNCOUNTED.items()])}"


def _by_periods(asked: Filtered) -> str:
    """SQL of the means over the annual periods that meet the condition, with the balances at their ends."""
    columns = {item: f"{'ends' if ITEMS[item].kind == 'instant' else 'spans'}.{item}" for item in asked.shown}
    sql = f"""
        WITH found AS (
            SELECT spans.company_id, spans.currency, count(*) AS periods, min(spans.period_end) AS first_period,
                max(spans.period_end) AS last_period,
                {", ".join(f"avg({column}) AS {item}" for item, column in columns.items())}
            FROM financials AS spans
            LEFT JOIN financials AS ends
                ON ends.company_id = spans.company_id AND ends.currency = spans.currency
                AND ends.period_end = spans.period_end AND ends.months = 0
            WHERE spans.months = {ANNUAL} AND {columns[asked.item]} >= :least
            GROUP BY spans.company_id, spans.currency
        )
        SELECT company_id, company_name, currency, found.periods, found.first_period, found.last_period,
            {", ".join(f"found.{item}" for item in asked.shown)}
        FROM found JOIN company_summary USING (company_id, currency)
        ORDER BY found.{asked.order_by} IS NULL, found.{asked.order_by} DESC, company_id LIMIT {ROWS}
    """
    return f"/release.json?{urlencode({'sql': ' '.join(sql.split()), 'least': asked.least, '_shape': 'objects'})}"
