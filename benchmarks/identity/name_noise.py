"""Variants of company names, as other lists and people write them.

A kind of variant is a function (name, random) -> name. `core` is the benchmark's own idea of what makes a name:
by it are told the names that two companies bear, and the variants that are another company's name.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from random import Random

#: How often each kind of variant occurs.
MIX = {
    "clean": 0.05,
    "legal_form_dropped": 0.11,
    "legal_form_spelled": 0.07,
    "legal_form_changed": 0.03,
    "punctuation": 0.13,
    "case": 0.11,
    "accents": 0.06,
    "one_typo": 0.14,
    "two_typos": 0.05,
    "abbreviation": 0.08,
    "the": 0.04,
    "word_order": 0.05,
    "joined_words": 0.05,
    "dropped_word": 0.03,
}
#: A variant's case is changed too, this often.
CASE_TOO = 0.25

#: The ways to write a legal form, the longest word for it last.
LEGAL_FORMS = {
    "inc": ("Inc", "Inc.", "INC", "Incorporated"),
    "corp": ("Corp", "Corp.", "CORP", "Corporation"),
    "co": ("Co", "Co.", "Company"),
    "ltd": ("Ltd", "Ltd.", "LTD", "Limited"),
    "pvt ltd": ("Pvt Ltd", "Pvt. Ltd.", "(P) Ltd.", "Private Limited"),
    "pte ltd": ("Pte Ltd", "Pte. Ltd.", "PTE LTD"),
    "pty ltd": ("Pty Ltd", "Pty. Ltd.", "Proprietary Limited"),
    "llc": ("LLC", "L.L.C.", "Llc", "Limited Liability Company"),
    "lp": ("LP", "L.P.", "Limited Partnership"),
    "plc": ("plc", "PLC", "P.L.C.", "Public Limited Company"),
    "gmbh": ("GmbH", "Gmbh", "G.m.b.H.", "Gesellschaft mit beschränkter Haftung"),
    "ag": ("AG", "A.G.", "Aktiengesellschaft"),
    "se": ("SE", "S.E.", "Societas Europaea"),
    "sa": ("SA", "S.A.", "Société Anonyme"),
    "sas": ("SAS", "S.A.S.", "Société par actions simplifiée"),
    "sarl": ("SARL", "S.à r.l.", "S.A R.L.", "Société à responsabilité limitée"),
    "srl": ("SRL", "S.R.L.", "S.r.l.", "Società a responsabilità limitata"),
    "spa": ("SpA", "S.p.A.", "SPA", "Società per azioni"),
    "sl": ("SL", "S.L.", "Sociedad Limitada"),
    "bv": ("BV", "B.V.", "Besloten Vennootschap"),
    "nv": ("NV", "N.V.", "Naamloze Vennootschap"),
    "ab": ("AB", "A.B.", "Aktiebolag"),
    "as": ("AS", "A/S", "A.S.", "Aktieselskab"),
    "oy": ("Oy", "OY", "Osakeyhtiö"),
}
#: The legal forms that are taken for each other.
CONFUSED = {
    "inc": ("corp", "co", "ltd"),
    "corp": ("inc", "co"),
    "co": ("inc", "corp"),
    "ltd": ("plc", "inc", "pvt ltd"),
    "pvt ltd": ("ltd",),
    "pte ltd": ("ltd",),
    "pty ltd": ("ltd",),
    "llc": ("inc", "lp"),
    "plc": ("ltd",),
    "gmbh": ("ag",),
    "ag": ("se", "gmbh"),
    "sa": ("sas",),
    "sas": ("sa", "sarl"),
    "sarl": ("sas",),
    "srl": ("spa",),
    "spa": ("srl",),
    "bv": ("nv",),
    "nv": ("bv",),
}
ABBREVIATIONS = {
    "international": ("Intl", "Int'l", "Internat."),
    "holdings": ("Hldgs", "Hldg."),
    "holding": ("Hldg", "Hldgs"),
    "group": ("Grp", "Gp."),
    "management": ("Mgmt", "Mgt."),
    "services": ("Svcs", "Svs", "Serv."),
    "service": ("Svc", "Serv."),
    "technologies": ("Tech.", "Techs"),
    "technology": ("Tech", "Technol."),
    "financial": ("Finl", "Fin."),
    "finance": ("Fin.",),
    "investment": ("Inv.", "Invt"),
    "investments": ("Invs", "Invts"),
    "industries": ("Inds", "Ind."),
    "national": ("Natl", "Nat'l"),
    "manufacturing": ("Mfg", "Mfg."),
    "enterprises": ("Ent.", "Entpr"),
    "partners": ("Ptnrs", "Prtnrs"),
    "properties": ("Props", "Ppty"),
    "development": ("Dev.", "Devel"),
    "resources": ("Res.",),
    "systems": ("Sys.", "Sys"),
    "capital": ("Cap.", "Cap"),
    "insurance": ("Ins.", "Ins"),
    "engineering": ("Engr", "Eng."),
    "pharmaceuticals": ("Pharma", "Pharms"),
    "american": ("Amer.", "Am"),
    "company": ("Co", "Co."),
    "and": ("&",),
    "&": ("and", "+"),
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})  # noqa: RUF001
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def vary(name: str, kind: str, random: Random) -> str:
    """The name in a variant of that kind; another kind is taken where it does not apply to the name."""
    varied = KINDS[kind](name, random)
    if kind not in {"clean", "case"} and random.random() < CASE_TOO:
        return _case(varied, random)
    return varied


@lru_cache(maxsize=1 << 20)
def core(name: str) -> str:
    """The letters and digits of a name without accents, article and legal forms, words apart."""
    parts = words(name)
    while parts and parts[0] == "the":
        parts = parts[1:]
    while length := _legal_length(parts):
        parts = parts[:-length]
    return " ".join(parts)


def unaccented(text: str) -> str:
    """The text without accents, its letters in their case."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


def words(text: str) -> list[str]:
    """The words of a name in lower case without accents and `and`; letters with full stops between them are one."""
    folded = unaccented(unicodedata.normalize("NFKC", text).casefold())
    folded = re.sub(r"\b((?:\w[./] ?)+\w)\b\.?", lambda found: re.sub(r"[./ ]", "", found[0]), folded)
    return [word for word in re.sub(r"[\W_]+", " ", folded.replace("'", "")).split() if word != "and"]


_FAMILIES = {" ".join(words(way)): family for family, ways in LEGAL_FORMS.items() for way in ways}


def _legal_length(parts: list[str]) -> int:
    """How many words at the end are a legal form; none where nothing would be left."""
    return next((n for n in range(min(5, len(parts) - 1), 0, -1) if " ".join(parts[-n:]) in _FAMILIES), 0)


def _split(name: str) -> tuple[str, str | None]:
    """The name without its last legal form, and the family of that; as written, words apart."""
    parts = name.split()
    for length in range(min(5, len(parts) - 1), 0, -1):
        family = _FAMILIES.get(" ".join(words(" ".join(parts[-length:]))))
        if family is not None:
            return " ".join(parts[:-length]).rstrip(" ,"), family
    return name, None


def _legal_form_dropped(name: str, random: Random) -> str:
    stem, family = _split(name)
    return stem if family else _punctuation(name, random)


def _legal_form_spelled(name: str, random: Random) -> str:
    stem, family = _split(name)
    return f"{stem}{random.choice((' ', ', '))}{random.choice(LEGAL_FORMS[family])}" if family else _case(name, random)


def _legal_form_changed(name: str, random: Random) -> str:
    stem, family = _split(name)
    if family not in CONFUSED:
        return _legal_form_dropped(name, random)
    return f"{stem} {random.choice(LEGAL_FORMS[random.choice(CONFUSED[family])])}"


def _punctuation(name: str, random: Random) -> str:
    way = random.randrange(4)
    if way == 0:
        return re.sub(r"[.,]", "", name)
    if way == 1:
        return " ".join(re.sub(r"[^\w\s&]", " ", name).split())
    if way == 2:
        return name.replace(" ", "  ", 1) + random.choice(("", ".", " "))
    at = random.choice([found.start() for found in re.finditer(" ", name)] or [len(name)])
    return name[:at] + random.choice((",", " -", ".")) + name[at:]


def _case(name: str, random: Random) -> str:
    return random.choice((str.upper, str.lower, str.title))(name)


def _accents(name: str, random: Random) -> str:
    if not name.isascii():
        return unaccented(name.translate(_GERMAN) if random.random() < 0.3 else name)
    places = [at for at, letter in enumerate(name) if letter.lower() in "aeiou"]
    if not places:
        return _case(name, random)
    at = random.choice(places)
    return name[:at] + unicodedata.normalize("NFC", name[at] + random.choice("\u0301\u0300\u0308")) + name[at + 1 :]


def _typo(name: str, random: Random) -> str:
    """One slip in a word of four letters or more of the name proper."""
    stem, _ = _split(name)
    places = [at for word in re.finditer(r"[^\W\d_]{4,}", stem) for at in range(word.start(), word.end())]
    if not places:
        return _punctuation(name, random)
    at = random.choice(places)
    letter = random.choice(_LETTERS)
    letter = letter.upper() if name[at].isupper() else letter
    way = random.randrange(5)
    if way == 0:
        return name[:at] + letter + name[at + 1 :]
    if way == 1:
        return name[:at] + name[at + 1 :]
    if way == 2:
        return name[:at] + letter + name[at:]
    if way == 3:
        return name[:at] + name[at] + name[at:]
    return name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]


def _abbreviation(name: str, random: Random) -> str:
    parts = name.split()
    places = [at for at, part in enumerate(parts) if part.lower().strip(",.") in ABBREVIATIONS]
    if not places:
        return _legal_form_spelled(name, random)
    for at in places:
        parts[at] = random.choice(ABBREVIATIONS[parts[at].lower().strip(",.")])
    return " ".join(parts)


def _the(name: str, random: Random) -> str:
    if name.lower().startswith("the "):
        return name[4:]
    return random.choice(("The {}", "THE {}", "{} (The)", "{}, The")).format(name)


def _word_order(name: str, random: Random) -> str:
    stem, family = _split(name)
    parts = stem.split()
    if len(parts) < 2:
        return _case(name, random)
    at = random.randrange(len(parts) - 1)
    moved = (
        parts[-1:] + parts[:-1] if random.random() < 0.5 else [*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]]
    )
    return " ".join([*moved, LEGAL_FORMS[family][0]] if family else moved)


def _joined_words(name: str, random: Random) -> str:
    stem, _ = _split(name)
    places = [found.start() for found in re.finditer(r"(?<=\w) (?=\w)", stem)]
    if not places:
        return _punctuation(name, random)
    at = random.choice(places)
    return name[:at] + random.choice(("", "", "-")) + name[at + 1 :]


def _dropped_word(name: str, random: Random) -> str:
    stem, _ = _split(name)
    parts = stem.split()
    if len(parts) < 3:
        return _typo(name, random)
    at = random.randrange(1, len(parts))
    return " ".join(parts[:at] + parts[at + 1 :]) + name[len(stem) :]


KINDS: dict[str, Callable[[str, Random], str]] = {
    "clean": lambda name, _: name,
    "legal_form_dropped": _legal_form_dropped,
    "legal_form_spelled": _legal_form_spelled,
    "legal_form_changed": _legal_form_changed,
    "punctuation": _punctuation,
    "case": _case,
    "accents": _accents,
    "one_typo": _typo,
    "two_typos": lambda name, random: _typo(_typo(name, random), random),
    "abbreviation": _abbreviation,
    "the": _the,
    "word_order": _word_order,
    "joined_words": _joined_words,
    "dropped_word": _dropped_word,
}
