"""The lists of companies that are resolved against: real where there are real ones, else made."""

import string
from random import Random

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.identity.setting import Setting
from finsync_pipeline.identity import Reference

COLUMNS = ("company_id", "name", "tickers", "cik", "lei", "isin", "cusip", "country")
_TEXT = pd.ArrowDtype(pa.string())
_DAY = pd.ArrowDtype(pa.date32())
_DIGITS_AND_LETTERS = string.digits + string.ascii_uppercase


def reference(company_id: object, **columns: object) -> Reference:
    """A list with these columns, the others null, and no aliases."""
    companies = pd.DataFrame({"company_id": pd.Series(company_id, dtype=_TEXT)})
    for column in COLUMNS[1:]:
        companies[column] = pd.Series(columns.get(column, pd.NA), index=companies.index, dtype=_TEXT)
    dates = {"valid_from", "valid_to"}
    aliases = {
        column: pd.Series([], dtype=_DAY if column in dates else _TEXT)
        for column in ("company_id", "alias", "kind", "valid_from", "valid_to", "note")
    }
    return Reference(companies, pd.DataFrame(aliases))


def random_codes(number: int, random: Random) -> list[str]:
    """That many different codes of ten digits and letters."""
    codes: dict[str, None] = {}
    while len(codes) < number:
        codes["".join(random.choices(_DIGITS_AND_LETTERS, k=10))] = None
    return list(codes)


def running_numbers(number: int) -> list[str]:
    """COMP000001 and so on: every neighbour of an id is an id."""
    return [f"COMP{each:06}" for each in range(1, number + 1)]


def real_leis(setting: Setting) -> pd.DataFrame:
    """LEI, name, country and category of real entities, in an order of the seed."""
    entities = pd.read_parquet(setting.shared / "identity" / "gleif_sample.parquet")
    order = np.random.default_rng(setting.random("order of LEIs").getrandbits(64)).permutation(len(entities))
    return entities.iloc[order].reset_index(drop=True)


def sec_companies(setting: Setting) -> pd.DataFrame:
    """cik (as digits, no zeros in front) and name of the SEC's filers with a ticker, in an order of the seed."""
    tickers = pd.read_parquet(setting.shared / "identity" / "sec_company_tickers.parquet")
    companies = tickers.drop_duplicates("cik")[["cik", "name"]].assign(cik=lambda frame: frame["cik"].str.lstrip("0"))
    return companies.sample(frac=1, random_state=setting.random("order of CIKs").getrandbits(32), ignore_index=True)


def grown_leis(real: pd.Series, number: int, seed: int) -> pa.Array:
    """The real LEIs, and made ones of the same mix of prefixes, with the right check digits, up to that number."""
    numbers = np.random.default_rng(seed)
    start = np.array(real.to_numpy(), dtype="S20").view("u1").reshape(-1, 20)
    alphabet = np.frombuffer(_DIGITS_AND_LETTERS.encode(), dtype="u1")
    missing = max(0, number - len(start))
    made = np.empty((missing, 20), dtype="u1")
    made[:, :6] = start[numbers.integers(len(start), size=missing), :6]
    made[:, 6:18] = alphabet[numbers.integers(36, size=(missing, 12))]
    made[:, 18:] = _check_digits(made[:, :18])
    whole = np.vstack([start[:number], made])
    offsets = pa.py_buffer(np.arange(0, 20 * len(whole) + 1, 20, dtype=np.int32))
    return pa.StringArray.from_buffers(len(whole), offsets, pa.py_buffer(np.ascontiguousarray(whole)))


def _check_digits(codes: np.ndarray) -> np.ndarray:
    """The two digits behind each code that make it 1 modulo 97 (ISO 17442: A is 10 ... Z is 35)."""
    rest = np.zeros(len(codes), dtype=np.int64)
    for column in codes.T.astype(np.int64):
        is_letter = column >= ord("A")
        value = np.where(is_letter, column - ord("A") + 10, column - ord("0"))
        rest = (rest * np.where(is_letter, 100, 10) + value) % 97
    check = 98 - (rest * 100) % 97
    return np.stack([check // 10, check % 10], axis=1).astype("u1") + ord("0")
