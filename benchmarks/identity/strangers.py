"""Companies that are not listed: real ones that share the core of a listed name, and thirty thousand others.

The legal form shows whether a name is another company's for sure (`kind_of`); names that may be the listed
company's own are set apart and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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
#: Of those that share none.
UNLISTED = "unlisted"
#: Other companies for sure.
STRANGERS = (UNLISTED, OTHER, FOREIGN)
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
    entities = _with_cores(lists.real_leis(setting).drop_duplicates("name"))
    for name, reference, other_names in _lists_of_cores(setting):
        listed = bearers(reference, other_names)
        sharing = entities[entities["core"].isin(listed.keys())]
        yield name, _try(name, sharing.assign(kind=_kinds(sharing, listed)), reference)


def random_names(setting: Setting) -> Iterator[tuple[str, pd.DataFrame, float]]:
    """Random entities, tried on lists of five sizes (see `_try`), and the most that may be accepted in per cent."""
    entities = _with_cores(lists.real_leis(setting).drop_duplicates("name").head(setting.size(ASKED)))
    for what, reference, other_names, most in _lists_of_sizes(setting):
        name = f"{len(entities):,} random names, {what}, {len(reference.companies):,} listed"
        asked = entities.assign(kind=_kinds(entities, bearers(reference, other_names)))
        yield name, _try(name, asked, reference), most


def bearers(reference: Reference, other_names: Mapping[str, str] = MappingProxyType({})) -> dict[str, list[Listed]]:
    """Who bears a listed name, by its core; `other_names`: by company_id a name of the company in another list."""
    companies, aliases = reference.companies, reference.aliases[reference.aliases["kind"] == "name"]
    named = [
        *zip(companies["company_id"], companies["name"], strict=True),
        *zip(aliases["company_id"], aliases["alias"], strict=True),
    ]
    forms: dict[str, set[str | None]] = defaultdict(set)
    for company, name in [*named, *other_names.items()]:
        forms[company].add(legal_form(name))
    countries = dict(zip(companies["company_id"], companies["country"].astype(object), strict=True))
    found: dict[str, list[Listed]] = defaultdict(list)
    for company, name in named:
        country: str | None = None if pd.isna(countries[company]) else countries[company]
        found[core(name)].append(Listed(legal_form(name), frozenset(forms[company]), country))
    return found


def kind_of(form: str | None, country: str, listed: Listed) -> str:
    """What an entity of this form and country is to a listed company of the same core.

    A form that the company does not have makes it another one. If the list writes the company without a form, that
    holds only if the list says that it is a company of the United States and none of these has the form.
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


def _with_cores(entities: pd.DataFrame) -> pd.DataFrame:
    return entities.assign(core=entities["name"].map(core))


def _kinds(entities: pd.DataFrame, listed: Mapping[str, list[Listed]]) -> list[str]:
    """What each entity is to the companies that share its core: `UNLISTED` where there are none."""
    return [
        mildest(kind_of(legal_form(name), country, each) for each in listed[shared]) if shared in listed else UNLISTED
        for name, country, shared in zip(entities["name"], entities["country"], entities["core"], strict=True)
    ]


def _lists_of_cores(setting: Setting) -> Iterator[tuple[str, Reference, Mapping[str, str]]]:
    """What the lists hold, the lists, and other names of their companies."""
    index = _sp500(setting)
    wikipedia, sec = (dict(zip(index["cik"], index[column], strict=True)) for column in ("name", "sec_name"))
    for spelt, names, others in (("Wikipedia's names", wikipedia, sec), ("SEC's names", sec, wikipedia)):
        ids, listed = list(names), list(names.values())
        yield f"S&P 500, {spelt}, with countries", lists.reference(ids, name=listed, country=index["country"]), others
        yield f"S&P 500, {spelt}", lists.reference(ids, name=listed), others
    filers = lists.sec_companies(setting).head(setting.size(8_000))
    yield f"{len(filers):,} SEC filers", lists.reference(filers["cik"], name=filers["name"]), {}


def _lists_of_sizes(setting: Setting) -> Iterator[tuple[str, Reference, Mapping[str, str], float]]:
    """What the lists hold, the lists, other names of their companies, and the most that may be accepted in per cent."""
    shipped = read_reference(SAMPLE_REFERENCE)
    some = shipped.companies.sample(SAMPLED, random_state=setting.random("some of the shipped list").getrandbits(32))
    index, filers = _sp500(setting), lists.sec_companies(setting).head(FILERS)
    sec_names = dict(zip(index["cik"], index["sec_name"], strict=True))
    yield "well-known", lists.reference([str(number) for number in range(5)], name=list(WELL_KNOWN)), {}, 0.03
    yield "of the shipped list", Reference(some, shipped.aliases[:0]), {}, 0.03
    yield "the shipped list", shipped, {}, 0.03
    yield "S&P 500", lists.reference(index["cik"], name=index["name"]), sec_names, 0.03
    yield "SEC filers", lists.reference(filers["cik"], name=filers["name"]), {}, 0.05


def _sp500(setting: Setting) -> pd.DataFrame:
    """The companies of the index: cik, name (Wikipedia's), sec_name, country (US or null)."""
    index = pd.read_csv(setting.shared / "identity" / "sp500_constituents.csv", dtype=str, keep_default_na=False)
    index = index.drop_duplicates("CIK")
    is_abroad = index["Headquarters Location"].str.endswith(_ABROAD)
    companies = pd.DataFrame({"cik": index["CIK"], "name": index["Security"], "country": "US"})
    companies["country"] = companies["country"].mask(is_abroad, None)
    filers = lists.sec_companies(setting).rename(columns={"name": "sec_name"})
    return companies.merge(filers, on="cik")


def _try(name: str, entities: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Ask for all names: source name, kind, listed (the name of the company that was accepted, else null), method."""
    say(f"strangers: {name}")
    resolved = resolve(questions.make(entities["name"].tolist(), [None] * len(entities)).asked, reference)
    accepted = resolved[["source_name", "company_id", "method"]].where(resolved["status"] == "accepted")
    names = reference.companies.set_index("company_id")["name"]
    tried = pd.DataFrame(
        {
            "source_name": entities["name"].tolist(),
            "kind": entities["kind"].tolist(),
            "listed": accepted["company_id"].map(names),
            "method": accepted["method"],
        }
    )
    for row in tried[tried["listed"].notna() & tried["kind"].isin(STRANGERS)].head(EXAMPLES).itertuples():
        say(f"strangers: {row.source_name!r} ({row.kind}) accepted as {row.listed!r} ({row.method})")
    return tried


def _accepted(tried: pd.DataFrame, kinds: Sequence[str]) -> tuple[int, int]:
    """How many names are of these kinds, and how many of them were accepted."""
    of_kinds = tried[tried["kind"].isin(kinds)]
    return len(of_kinds), int(of_kinds["listed"].notna().sum())


def _of_shared_cores(name: str, tried: pd.DataFrame) -> Iterator[Figure]:
    foreign, foreign_accepted = _accepted(tried, [FOREIGN])
    other, other_accepted = _accepted(tried, [OTHER])
    yield Figure(f"{name}: {FOREIGN}", foreign)
    share = 100 * foreign_accepted / max(foreign, 1)
    if "SEC filers" in name:  # a longer list, of companies of all countries
        yield Figure(f"{name}: {FOREIGN}, accepted", share, "<=", 1, "%")
    else:
        yield Figure(f"{name}: {FOREIGN}, accepted", foreign_accepted, "=", 0)
    yield Figure(f"{name}: {OTHER}", other)
    yield Figure(f"{name}: {OTHER}, accepted", 100 * other_accepted / max(other, 1), "<=", 2, "%")
    for kind in (NO_FORM_LISTED, MAY_BE_IT):
        number, accepted = _accepted(tried, [kind])
        yield Figure(f"{name}: set apart, {kind}", number)
        yield Figure(f"{name}: set apart, {kind}, accepted", accepted)


def _of_random_names(name: str, tried: pd.DataFrame, most: float) -> Iterator[Figure]:
    strangers, accepted = _accepted(tried, STRANGERS)
    set_apart, set_apart_accepted = _accepted(tried, [NO_FORM_LISTED, MAY_BE_IT])
    yield Figure(f"{name}: accepted", 100 * accepted / strangers, "<=", most, "%")
    yield Figure(f"{name}: set apart, may be listed", set_apart)
    yield Figure(f"{name}: set apart, accepted", set_apart_accepted)
