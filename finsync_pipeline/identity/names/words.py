"""The general vocabulary of company names: legal forms, abbreviations, words that add nothing to a name.

No company is named here. Words stand as they are once case, accents and punctuation are gone; in the tables
other than `ABBREVIATIONS`, once abbreviations are spelled out too (`inc`, `corp`, `co` and `ltd` stay short).
"""

from __future__ import annotations

#: Legal forms by family. Two names whose families differ (`plc` and `inc`) are not the same name.
LEGAL_FORMS: dict[str, str] = {
    form: family
    for family, forms in {
        "corporation": ("inc", "corp", "co"),
        "limited": ("ltd", "pty ltd", "pte ltd", "pvt ltd", "private ltd"),
        "plc": ("plc", "public ltd co"),
        "llc": ("llc", "ltd liability co"),
        "partnership": ("lp", "llp", "ltd partnership"),
        "sa": ("sa", "societe anonyme", "sociedad anonima", "sa de cv", "sab de cv"),
        "nv": ("nv", "naamloze vennootschap"),
        "bv": ("bv",),
        "ag": ("ag", "aktiengesellschaft"),
        "kgaa": ("kgaa",),
        "gmbh": ("gmbh",),
        "se": ("se",),
        "spa": ("spa", "societa per azioni"),
        "srl": ("srl", "srls", "sarl", "sl", "societa a responsabilita limitata"),
        "sro": ("sro", "spol sro"),
        "doo": ("doo",),
        "zoo": ("sp z oo", "sp zoo", "sp z o o", "spolka z oo"),
        "aps": ("aps",),
        "oy": ("oy",),
        "kft": ("kft",),
        "eg": ("eg",),
        "ev": ("ev",),
        "kg": ("kg", "gmbh and co kg", "gmbh co kg"),
        "ab": ("ab", "aktiebolag"),
        "as": ("asa", "as"),
        "oyj": ("oyj",),
        "kk": ("kk", "kabushiki kaisha"),
        "bhd": ("bhd", "berhad"),
        "ltda": ("ltda",),
    }.items()
    for form in forms
}

#: Where a letter behind the legal form is a number ("Fund LP V") and not a share class.
PARTNERSHIPS = frozenset({"partnership", "llc"})

#: The longest legal form, in words.
LONGEST_LEGAL_FORM = max(len(form.split()) for form in LEGAL_FORMS)

#: Abbreviations, and number and spelling variants, that mean the same word in a company's name.
ABBREVIATIONS: dict[str, str] = {
    short: full
    for full, shorts in {
        "airlines": ("airls",),
        "associates": ("assoc", "assocs"),
        "bancorp": ("bancorporation",),
        "bank": ("bk",),
        "brothers": ("bros",),
        "center": ("centre", "ctr"),
        "chemical": ("chem",),
        "chemicals": ("chems",),
        "communications": ("comms", "commun", "communs"),
        "companies": ("cos",),
        "development": ("dev",),
        "distribution": ("distr",),
        "electric": ("elec",),
        "electronics": ("electrs",),
        "engineering": ("engr", "engrg"),
        "entertainment": ("entmt",),
        "enterprises": ("entpr", "entprs"),
        "equipment": ("equip",),
        "exploration": ("expl",),
        "financial": ("finl", "fin"),
        "group": ("grp", "gp"),
        "healthcare": ("hlthcare",),
        "holdings": ("holding", "hldg", "hldgs"),
        "hospital": ("hosp",),
        "industries": ("inds", "indus"),
        "insurance": ("ins",),
        "instruments": ("instrs",),
        "international": ("intl", "internl", "intnl"),
        "laboratories": ("labs",),
        "laboratory": ("lab",),
        "management": ("mgmt", "mgt"),
        "manufacturing": ("mfg", "manuf"),
        "materials": ("matls",),
        "mountain": ("mtn",),
        "mortgage": ("mtg",),
        "national": ("natl",),
        "pharmaceuticals": ("pharms", "pharmas"),
        "power": ("pwr",),
        "products": ("prods",),
        "properties": ("ppty", "pptys", "props"),
        "railway": ("rwy",),
        "realty": ("rlty", "rty"),
        "resources": ("res",),
        "saint": ("st",),
        "savings": ("svgs",),
        "service": ("services", "serv", "svc", "svcs", "svs"),
        "systems": ("sys",),
        "technologies": ("techs",),
        "technology": ("tech",),
        "telecommunications": ("telecomms",),
        "transportation": ("transn", "transp"),
        "university": ("univ",),
        "utilities": ("utils",),
        "corp": ("corporation",),
        "inc": ("incorporated",),
        "co": ("company",),
        "ltd": ("limited",),
    }.items()
    for short in shorts
}

#: Words at the end of a listed name that a spelling may leave out, if it says nothing else in their place.
OMITTED_TAILS = frozenset({"group", "holdings", "companies", "com"})

#: States of incorporation, as they end a name behind `of`.
STATES = frozenset(
    (
        *("alabama", "alaska", "arizona", "arkansas", "california", "colorado", "connecticut", "delaware", "florida"),
        *("georgia", "hawaii", "idaho", "illinois", "indiana", "iowa", "kansas", "kentucky", "louisiana", "maine"),
        *("maryland", "massachusetts", "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska"),
        *("nevada", "new hampshire", "new jersey", "new mexico", "new york", "north carolina", "north dakota", "ohio"),
        *("oklahoma", "oregon", "pennsylvania", "rhode island", "south carolina", "south dakota", "tennessee", "texas"),
        *("utah", "vermont", "virginia", "washington", "west virginia", "wisconsin", "wyoming"),
    )
)

#: Words that initials leave out.
SMALL_WORDS = frozenset({"of", "the", "and", "for", "de", "la", "in"})

#: What some lists put behind a name to tell one share of a company from another.
SHARE_CLASSES = frozenset({"class", "cl", "series"})
SHARE_LETTERS = frozenset("abc")
SHARE_KINDS: tuple[tuple[str, ...], ...] = (
    ("common", "stock"),
    ("ordinary", "shares"),
    ("common", "shares"),
    ("adr",),
    ("ads",),
)

#: Letters that Unicode does not take apart into a letter and an accent.
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})  # noqa: RUF001

#: Roman numerals as they stand in names of funds and series ("I" and "V" are single letters anyway).
ROMAN_NUMERALS = frozenset({"ii", "iii", "iv", "vi", "vii", "viii", "ix", "xi", "xii", "xiii", "xiv", "xv"})
