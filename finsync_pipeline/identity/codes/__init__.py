"""Which listed company a code belongs to: LEI, ISIN, CUSIP, CIK or a house's own id.

`CodeIndex` holds the listed codes of one scheme and is asked by `find`; `find_codes` asks the indexes of all schemes
together. A text is looked up as it is, then in plainer forms (`normalization`), then with letters of other scripts
read as Latin ones. A code with right check digits that is not listed is another company's (`schemes`). What is left is
compared with the listed codes that are near to it (`blocking`), as far as the density of the list bears it (`density`).
"""

from finsync_pipeline.identity.codes.index import CodeIndex, find_codes
from finsync_pipeline.identity.codes.schemes import SCHEMES, Scheme, has_right_check_digits, right_check_digits

__all__ = ["SCHEMES", "CodeIndex", "Scheme", "find_codes", "has_right_check_digits", "right_check_digits"]
