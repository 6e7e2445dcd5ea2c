"""Companies that are not listed: real ones that share the core of a listed name, and thirty thousand others.

Whether a name is another company's for sure is told by its legal form, as `kind_of` says; names that may be the listed
company's own are set apart and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.figure import Figure
from benchmarks.identity import lists, questions
from benchmarks.identity.legal_forms import US_FORMS, core, legal_form
from benchmarks.identity.measuring import apart
from benchmarks.identity.setting import Setting
from benchmarks.services.progress import say
from finsync_pipeline.identity import Reference, read_reference, resolve
from finsync_pipeline.settings import SAMPLE_REFERENCE

ASKED, FILERS, SAMPLED = 30_000, 2_000, 60
WELL_KNOWN = ("Apple", "Google", "Microsoft", "Amazon", "Meta")
EXAMPLES = 10
#: Of names that share a core: what is known of the company.
FOREIGN, OTHER = "another country's form", "another form"
NO_FORM_LISTED, MAY_BE_IT = "no form listed", "may be the company"
#: Of random names.
UNLISTED = "unlisted"
#: Of the S&P 500, companies whose headquarters are here are not said to be of the United States.
_ABROAD = ("Ireland", "United Kingdom", "Switzerland", "Bermuda", "Canada", "Netherlands")


@dataclass(frozen=True)
class Listed:
    """A listed name: its legal form, all forms that its company is known to bear, and the country in the list."""

    form: str | None
    own_forms: frozenset[str | None]
    country: str | None


def figures(setting: Setting) -> Iterator[Figure]:
    """Names that share a core with the S&P 500, then random ones."""
    for part in (figures_of_shared_cores, figures_of_random_names):
        yield from apart(part, setting)


def figures_of_shared_cores(setting: Setting) -> list[Figure]:
    """None of another country's form may be accepted, and next to none of another form."""
    return [figure for name, tried in shared_cores(setting) for figure in _of_shared_cores(name, tried)]


def figures_of_random_names(setting: Setting) -> list[Figure]:
    """The share of unlisted companies that are accepted as a listed one."""
    return [figure for name, tried, most in random_names(setting) for figure in _of_random_names(name, tried, most)]


def shared_cores(setting: Setting) -> Iterator[tuple[str, pd.DataFrame]]:
    """The entities that share their core with a listed company, tried on five lists (see `_try`)."""
    entities = lists.real_leis(setting).drop_duplicates("name").assign(core=lambda frame: frame["name"].map(core))
    for name, companies in _lists_by_form(setting):
        bearers: dict[str, list[Listed]] = defaultdict(list)
        for listed, own_forms, country in companies[["name", "own_forms", "country"]].itertuples(index=False):
            bearers[core(listed)].append(Listed(legal_form(listed), own_forms, country))
        sharing = entities[entities["core"].isin(bearers.keys())]
        kinds = [
            mildest(kind_of(legal_form(entity), country, listed) for listed in bearers[shared])
            for entity, country, shared in zip(sharing["name"], sharing["country"], sharing["core"], strict=True)
        ]
        reference = lists.reference(companies["cik"], name=companies["name"], country=companies["country"])
        yield name, _try(name, sharing["name"].tolist(), kinds, reference)


def random_names(setting: Setting) -> Iterator[tuple[str, pd.DataFrame, float]]:
    """Random entities, tried on lists of five sizes (see `_try`), and the most that may be accepted in per cent."""
    entities = lists.real_leis(setting)["name"].drop_duplicates().head(setting.size(ASKED)).tolist()
    cores = [core(name) for name in entities]
    for what, reference, most in _lists(setting):
        aliases = reference.aliases
        listed = [*reference.companies["name"], *aliases.loc[aliases["kind"] == "name", "alias"]]
        borne = {core(name) for name in listed}
        kinds = [MAY_BE_IT if each in borne else UNLISTED for each in cores]
        name = f"{len(entities):,} random names, {what}, {len(reference.companies):,} listed"
        yield name, _try(name, entities, kinds, reference), most


def kind_of(form: str | None, country: str, listed: Listed) -> str:
    """What an entity of this form and country is to a listed company of the same core.

    A form that the company does not bear makes it another one. If the list writes the company without a form, that is
    told of no company but of one with a form that none of the United States bears, where the list says that this one is
    of there.
    """
    is_foreign_form = form not in US_FORMS
    if form is None or form in listed.own_forms:
        return MAY_BE_IT
    if listed.form is None and not (is_foreign_form and listed.country == "US"):
        return NO_FORM_LISTED
    return FOREIGN if is_foreign_form or country != "US" else OTHER


def mildest(kinds: Iterable[str]) -> str:
    """What an entity is that shares its core with several listed companies: it may be any one that it may be."""
    return min(kinds, key=(MAY_BE_IT, NO_FORM_LISTED, OTHER, FOREIGN).index)


def _lists_by_form(setting: Setting) -> Iterator[tuple[str, pd.DataFrame]]:
    """Lists with the forms that their companies are known to bear: cik, name, own_forms, country (text or null)."""
    companies = _sp500(setting)
    own_forms = [
        frozenset({legal_form(name), legal_form(sec_name)})
        for name, sec_name in zip(companies["name"], companies["sec_name"], strict=True)
    ]
    for column, spelt in (("name", "Wikipedia's names"), ("sec_name", "SEC's names")):
        listed = pd.DataFrame({"cik": companies["cik"], "name": companies[column], "own_forms": own_forms})
        yield f"S&P 500, {spelt}, with countries", listed.assign(country=companies["country"])
        yield f"S&P 500, {spelt}", listed.assign(country=None)
    filers = lists.sec_companies(setting).head(setting.size(8_000))
    filers = filers.assign(own_forms=[frozenset({legal_form(name)}) for name in filers["name"]], country=None)
    yield f"{len(filers):,} SEC filers", filers


def _sp500(setting: Setting) -> pd.DataFrame:
    """The companies of the index: cik, name (Wikipedia's), sec_name, country (US or null)."""
    index = pd.read_csv(setting.shared / "identity" / "sp500_constituents.csv", dtype=str, keep_default_na=False)
    index = index.drop_duplicates("CIK")
    is_abroad = index["Headquarters Location"].str.endswith(_ABROAD)
    companies = pd.DataFrame({"cik": index["CIK"], "name": index["Security"], "country": "US"})
    companies["country"] = companies["country"].mask(is_abroad, None)
    filers = lists.sec_companies(setting).rename(columns={"name": "sec_name"})
    return companies.merge(filers, on="cik")


def _lists(setting: Setting) -> Iterator[tuple[str, Reference, float]]:
    """What the lists hold, the lists, and the most that may be accepted in per cent."""
    shipped = read_reference(SAMPLE_REFERENCE)
    some = shipped.companies.sample(SAMPLED, random_state=setting.random("some of the shipped list").getrandbits(32))
    companies, filers = _sp500(setting), lists.sec_companies(setting).head(FILERS)
    yield "well-known", lists.reference([str(number) for number in range(5)], name=list(WELL_KNOWN)), 0.03
    yield "of the shipped list", Reference(some, shipped.aliases[:0]), 0.03
    yield "the shipped list", shipped, 0.03
    yield "S&P 500", lists.reference(companies["cik"], name=companies["name"]), 0.03
    yield "SEC filers", lists.reference(filers["cik"], name=filers["name"]), 0.05


def _try(name: str, spellings: Sequence[str], kinds: Sequence[str], listed: Reference) -> pd.DataFrame:
    """Ask for all: spelling, kind, listed (the name of the company that was accepted, else null), method."""
    say(f"strangers: {name}")
    resolved = resolve(questions.make(spellings, [None] * len(spellings)).asked, listed)
    is_accepted = resolved["status"] == "accepted"
    names = listed.companies.set_index("company_id")["name"]
    tried = pd.DataFrame({"spelling": spellings, "kind": kinds, "listed": resolved["company_id"].map(names)})
    tried = tried.assign(listed=tried["listed"].where(is_accepted), method=resolved["method"].where(is_accepted))
    accepted = tried[is_accepted & tried["kind"].isin([FOREIGN, OTHER, UNLISTED])]
    for row in accepted.head(EXAMPLES).itertuples():
        say(f"strangers: {row.spelling!r} ({row.kind}) accepted as {row.listed!r} ({row.method})")
    return tried


def _accepted(tried: pd.DataFrame, kind: str) -> tuple[int, int]:
    """How many names are of that kind, and how many of these were accepted."""
    of_kind = tried[tried["kind"] == kind]
    return len(of_kind), int(of_kind["listed"].notna().sum())


def _of_shared_cores(name: str, tried: pd.DataFrame) -> Iterator[Figure]:
    foreign, foreign_accepted = _accepted(tried, FOREIGN)
    other, other_accepted = _accepted(tried, OTHER)
    yield Figure(f"{name}: {FOREIGN}", foreign)
    yield Figure(f"{name}: {FOREIGN}, accepted", foreign_accepted, "=", 0)
    yield Figure(f"{name}: {OTHER}", other)
    yield Figure(f"{name}: {OTHER}, accepted", 100 * other_accepted / max(other, 1), "<=", 2, "%")
    for kind in (NO_FORM_LISTED, MAY_BE_IT):
        number, accepted = _accepted(tried, kind)
        yield Figure(f"{name}: set apart, {kind}", number)
        yield Figure(f"{name}: set apart, {kind}, accepted", accepted)


def _of_random_names(name: str, tried: pd.DataFrame, most: float) -> Iterator[Figure]:
    unlisted, accepted = _accepted(tried, UNLISTED)
    yield Figure(f"{name}: accepted", 100 * accepted / unlisted, "<=", most, "%")
    yield Figure(f"{name}: set apart, {MAY_BE_IT}", _accepted(tried, MAY_BE_IT)[0])
