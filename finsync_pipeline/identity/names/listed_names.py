"""The listed names with what is known of them: who answers to a spelling, and how far the answer can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extract

from finsync_pipeline.identity.names.calibration import Calibration
from finsync_pipeline.identity.names.candidates import candidates
from finsync_pipeline.identity.names.decoys import decoys_beside
from finsync_pipeline.identity.names.forms import WHOLE_FORMS, NameForms, normalise_name
from finsync_pipeline.identity.names.index import Claim, NameIndex
from finsync_pipeline.identity.names.likeness import ANOTHER_WORD, Candidate
from finsync_pipeline.identity.names.trial import calibrate

#: Names are compared one by one only in a list of at most so many; the nearest are told, if they are near enough.
MOST_COMPARED, MOST_NEAREST, SUGGESTION_FLOOR = 20_000, 5, 60.0
#: What a kind of likeness is called in a decision; the whole forms are `exact` or `normalised`.
METHODS = {"legal_form": "legal_form", "tail": "shortened", "shortened": "shortened"}


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """Who answers to a spelling: the surest candidates, whether the answer is taken, and how far it is trusted.

    Several `companies` are ambiguous. A `settled` answer is a dated alias that says this very spelling: it is not
    weighed against other steps. `scores`: likeness of each company, 0 to 100.
    """

    companies: tuple[int, ...]
    scores: tuple[float, ...]
    method: str
    steps: str | None
    precision: float
    is_taken: bool
    is_whole: bool
    is_typo: bool = False
    settled: bool = False


@dataclass(frozen=True, eq=False)
class Names:
    """The names of `listed` companies (numbered from 0) and, after them, of decoys."""

    listed: int
    index: NameIndex
    kept: Calibration | None = None

    @classmethod
    def of(cls, claims: Sequence[Claim], listed: int) -> Names:
        """Prepare the claims of listed companies; beside a short list decoys stand."""
        return cls(listed, NameIndex.of([*claims, *decoys_beside(claims, listed)]))

    @cached_property
    def calibration(self) -> Calibration:
        """How far each class of likeness can be trusted here; worked out when first asked for."""
        return self.kept or calibrate(self.index, self.listed)

    def look_up(self, spelling: str, day: int) -> NameAnswer | None:
        """Who answers to a spelling on that day (an ordinal); null where nobody does, or a company not listed."""
        forms = normalise_name(spelling)
        found = _preferred(forms, day, self.index)
        companies = sorted({candidate.claim.company for candidate in found})
        likely = tuple(company for company in companies if company < self.listed)
        if not likely or all(candidate.trust_class == ANOTHER_WORD for candidate in found):
            return None
        surest = min(found, key=lambda candidate: (candidate.trust_class == ANOTHER_WORD, candidate.claim.company))
        method = _method(spelling, found)
        return NameAnswer(
            companies=likely,
            scores=_scores(forms, likely, found),
            method=method,
            steps=None if method == "exact" else surest.steps,
            precision=self.calibration.precision(surest.trust_class),
            is_taken=len(companies) == 1 and self.calibration.accepts(surest.trust_class),
            is_whole=surest.kind in WHOLE_FORMS or surest.kind == "tail",
            is_typo=surest.kind == "typo",
            settled=surest.kind == "literal" and all(candidate.claim.is_dated for candidate in found),
        )

    def is_strangers(self, spelling: str) -> bool:
        """Whether it is just the name of a known company that is not listed, and of no listed one."""
        same = self._whole_names(normalise_name(spelling).joined)
        return bool(same) and all(claim.company >= self.listed for claim in same)

    def nearest(self, spelling: str, day: int) -> list[tuple[int, float]]:
        """The listed companies whose names are most like a spelling, and how much (0 to 100); for people to look at.

        Of a long list, none.
        """
        core = " ".join(normalise_name(spelling).core)
        if not core or len(self.index.claims) > MOST_COMPARED:
            return []
        found = extract(core, self._cores, scorer=ratio, score_cutoff=SUGGESTION_FLOOR, limit=3 * MOST_NEAREST)
        best: dict[int, float] = {}
        for _, score, number in found:
            claim = self.index.claims[number]
            if claim.company < self.listed and claim.is_in_force(day):
                best[claim.company] = max(round(score, 4), best.get(claim.company, 0))
        return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_NEAREST]

    @cached_property
    def has_wordless(self) -> bool:
        """Whether a listed name has no letter in it, but for its legal form."""
        return any(not any(map(str.isalpha, claim.forms.joined)) for claim in self.index.claims)

    @cached_property
    def _cores(self) -> list[str]:
        return [" ".join(claim.forms.core) for claim in self.index.claims]

    def cores_of(self, company: int) -> list[str]:
        """The cores of a listed company's names and aliases."""
        return self._cores_by_company.get(company, [])

    @cached_property
    def _cores_by_company(self) -> dict[int, list[str]]:
        cores: dict[int, list[str]] = {}
        for claim in self.index.claims:
            cores.setdefault(claim.company, []).append(" ".join(claim.forms.core))
        return cores

    def begins_a_name(self, text: str) -> set[int]:
        """The companies whose name begins with this text: listed ones and, with numbers from `listed` on, strangers."""
        word = normalise_name(text).joined
        numbers = self.index.beginnings.numbers_of(word)
        claims = [self.index.claims[number] for number in numbers]
        named = {c.company for c in claims if not c.is_alias and word == c.forms.core[0]}
        return named | {c.company for c in self._whole_names(word) if not c.is_alias}

    def _whole_names(self, joined: str) -> list[Claim]:
        claims = [self.index.claims[number] for number in self.index.whole["joined"].numbers_of(joined)]
        return [claim for claim in claims if claim.forms.joined == joined]


def _preferred(forms: NameForms, day: int, index: NameIndex) -> list[Candidate]:
    """The candidates of the surest kind; of a dated alias before a name that is only alike, or has no dates."""
    surest: list[Candidate] = []
    for kind, found in candidates(forms, day, index):
        dated = [candidate for candidate in found if candidate.claim.is_dated and kind in WHOLE_FORMS]
        if not surest:
            surest = dated or found
            if kind == "literal" or dated or kind not in WHOLE_FORMS:
                return surest
        elif kind not in WHOLE_FORMS:
            return surest
        elif dated:
            return dated
    return surest


def _method(spelling: str, found: Sequence[Candidate]) -> str:
    if any(candidate.claim.is_dated for candidate in found) or all(candidate.claim.is_alias for candidate in found):
        return "alias"
    kind = found[0].kind
    if kind == "literal" and any(c.claim.text == spelling and not c.claim.is_alias for c in found):
        return "exact"
    return "normalised" if kind in WHOLE_FORMS else METHODS.get(kind, kind)


def _scores(forms: NameForms, companies: Sequence[int], found: Sequence[Candidate]) -> tuple[float, ...]:
    """The likeness of each company: of its candidate that is most like the spelling."""
    best = dict.fromkeys(companies, 0.0)
    core = " ".join(forms.core)
    for candidate in found:
        company = candidate.claim.company
        if company in best:
            is_whole = candidate.kind in WHOLE_FORMS
            score = 100.0 if is_whole else round(ratio(core, " ".join(candidate.claim.forms.core)), 4)
            best[company] = max(best[company], score)
    return tuple(best.values())
