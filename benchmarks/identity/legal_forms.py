"""The benchmark's own idea of a name: what is left of it without its legal form, and which form that is.

It is made without the product's, so that both can be wrong in different ways. `name_noise` has the forms that names are
varied by; here are more of them, so that a company of any country is known to bear another form.
"""

import re
from functools import lru_cache

from benchmarks.identity.name_noise import LEGAL_FORMS, words

#: Forms by a short name of each, as `LEGAL_FORMS`; what stands under "" says nothing of the form and is passed over.
MORE_FORMS = {
    "": ("(publ)", "in liquidazione", "in liquidation", "en liquidation", "i.L.", "Sociedad Unipersonal", "(The)"),
    "llp": ("LLP", "L.L.P.", "Limited Liability Partnership"),
    "lllp": ("LLLP",),
    "lc": ("LC", "L.C."),
    "na": ("N.A.", "National Association"),
    "ulc": ("ULC", "Unlimited Liability Company", "Unlimited Company"),
    "gmbh": ("mbH", "Gesellschaft mbH", "Ges.m.b.H."),
    "ug": ("UG", "UG (haftungsbeschränkt)", "Unternehmergesellschaft (haftungsbeschränkt)"),
    "kg": ("KG", "& Co. KG", "GmbH & Co. KG", "mbH & Co. KG", "AG & Co. KG", "Kommanditgesellschaft"),
    "kgaa": ("KGaA", "AG & Co. KGaA", "SE & Co. KGaA", "Kommanditgesellschaft auf Aktien"),
    "ohg": ("OHG",),
    "gbr": ("GbR",),
    "ek": ("e.K.", "e.K"),
    "eg": ("eG",),
    "ev": ("e.V.",),
    "sagl": ("Sagl",),
    "snc": ("SNC", "S.n.c."),
    "sas it": ("di S.a.s.",),
    "sci": ("SCI", "Société civile immobilière"),
    "sca": ("SCA", "S.C.A."),
    "scs": ("SCS", "S.C.S.", "SCSp"),
    "srl": ("a responsabilità limitata", "Societatea cu răspundere limitată", "Sociedad de Responsabilidad Limitada"),
    "srls": ("S.r.l.s.", "Società a responsabilità limitata semplificata", "S.r.l. semplificata"),
    "sl": ("S.L.U.", "Sociedad Limitada Unipersonal"),
    "sa": ("S.A.U.", "Sociedad Anónima", "S/A", "Spółka Akcyjna", "Sociedade Anónima"),
    "sa de cv": ("S.A. de C.V.", "S.A.B. de C.V.", "S.A.P.I. de C.V."),
    "s de rl": ("S. de R.L. de C.V.", "S. de R.L."),
    "ltda": ("Ltda", "Ltda.", "Limitada", "Lda", "Unipessoal Lda"),
    "bvba": ("BVBA", "SPRL", "S.P.R.L."),
    "cv": ("C.V.", "Commanditaire Vennootschap"),
    "vof": ("V.O.F.",),
    "as": ("ASA", "Aktieselskab", "Anonim Şirketi", "A.Ş.", "Akciová společnost"),
    "aps": ("ApS", "Anpartsselskab"),
    "oy": ("Oyj", "Oy Ab", "Abp"),
    "hf": ("hf.", "ehf.", "ehf"),
    "limited sirketi": ("Limited Şirketi", "Ltd. Şti."),
    "sro": ("s.r.o.", "spol. s r.o.", "společnost s ručením omezeným"),
    "sp zoo": ("Sp. z o.o.", "Spółka z ograniczoną odpowiedzialnością"),
    "sp k": ("Sp.k.", "Spółka komandytowa"),
    "kft": ("Kft.", "Korlátolt Felelősségű Társaság"),
    "zrt": ("Zrt.", "Nyrt.", "Zártkörűen Működő Részvénytársaság", "Nyilvánosan Működő Részvénytársaság"),
    "ou": ("OÜ", "Osaühing"),
    "uab": ("UAB",),
    "sia": ("SIA",),
    "doo": ("d.o.o.",),
    "dd": ("d.d.",),
    "ood": ("OOD", "EOOD"),
    "ooo": ("OOO", "ООО", "Общество с ограниченной ответственностью"),  # noqa: RUF001
    "jsc": ("JSC", "Joint Stock Company", "ZAO", "AO", "АО", "ЗАО"),  # noqa: RUF001
    "pjsc": ("PJSC", "OJSC", "Public Joint Stock Company", "Open Joint Stock Company", "PAO", "OAO", "ПАО", "ОАО"),  # noqa: RUF001
    "ae": ("A.E.", "ΑΝΩΝΥΜΗ ΕΤΑΙΡΕΙΑ"),  # noqa: RUF001
    "kk": ("K.K.", "Kabushiki Kaisha"),
    "gk": ("G.K.", "Godo Kaisha"),
    "sdn bhd": ("Sdn. Bhd.", "Sendirian Berhad"),
    "bhd": ("Bhd.", "Berhad"),
    "pt": ("PT", "Tbk", "Tbk."),
    "fz": ("FZE", "FZCO", "FZ-LLC", "DMCC"),
    "wll": ("W.L.L.",),
}
#: Forms that companies of the United States bear too: none of them is another country's for sure.
US_FORMS = frozenset({"inc", "corp", "co", "ltd", "llc", "lp", "llp", "lllp", "lc", "na"})
#: Forms that stand in front of names; they are read there, and at the end as all others.
_IN_FRONT = frozenset({"ooo", "jsc", "pjsc", "pt", "uab", "sia"})
_MOST_WORDS = 5
#: What the SEC puts behind a name: the state where there are several, `NEW`; and a class of shares.
_TAIL = re.compile(r"( \(?class [a-c]\)?| */ *[a-z]{2,4}/?| *[/\\])$", re.IGNORECASE)

_FAMILIES = {
    " ".join(words(way)): family
    for forms in (LEGAL_FORMS, MORE_FORMS)
    for family, ways in forms.items()
    for way in ways
}


@lru_cache(maxsize=1 << 20)
def split(name: str) -> tuple[str, str | None]:
    """The core of a name (letters and digits, no blanks, accents, article, legal forms) and its last form, or None."""
    parts = words(_TAIL.sub("", name.strip()))
    forms: list[str] = []
    while length := next((n for n in _lengths(parts) if " ".join(parts[-n:]) in _FAMILIES), 0):
        forms.append(_FAMILIES[" ".join(parts[-length:])])
        parts = parts[:-length]
    if length := next((n for n in _lengths(parts) if _FAMILIES.get(" ".join(parts[:n])) in _IN_FRONT), 0):
        forms.append(_FAMILIES[" ".join(parts[:length])])
        parts = parts[length:]
    article = 1 if len(parts) > 1 and parts[0] == "the" else 0
    return "".join(parts[article:]), next((form for form in forms if form), None)


def core(name: str) -> str:
    """What two companies share that differ in legal form alone."""
    return split(name)[0]


def legal_form(name: str) -> str | None:
    """The short name of the last legal form of a name; None where it has none."""
    return split(name)[1]


def _lengths(parts: list[str]) -> range:
    """How many words can be a legal form, the most first: one word is left at least."""
    return range(min(_MOST_WORDS, len(parts) - 1), 0, -1)
