"""Which listed company a code means: LEI, ISIN, CUSIP, CIK, ticker or a house's own.

`index` is the way in. A text is looked up as it stands, then without its dress (`writing`), then with letters of
other scripts read as Latin ones (`look_alikes`); a code with right check digits that is not listed is another
company's (`check_digits`). What is left is searched for typing errors: `deletes` and `candidates` find the pairs,
`distance` measures them, `nearest` ranks companies, and `calibration` finds out, on the list itself with the
mistakes of `noise`, which `classes` of repair are worth their promise. `repair` decides.
"""

from finsync_pipeline.identity.codes.found import ACCEPTED, AMBIGUOUS, METHODS, UNKNOWN, CodesFound
from finsync_pipeline.identity.codes.index import CodeIndex
from finsync_pipeline.identity.codes.schemes import SCHEMES, Scheme

__all__ = ["ACCEPTED", "AMBIGUOUS", "METHODS", "SCHEMES", "UNKNOWN", "CodeIndex", "CodesFound", "Scheme"]
