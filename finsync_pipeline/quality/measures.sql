-- By which power of ten one value of a cell differs from another: 3, 6, 9 to a factor of 2, and 2 (minor units of a
-- currency) to the tolerance of the item alone; 0 for no such power.
CREATE OR REPLACE TEMP MACRO unit_exponent(difference, tolerance) AS sign(difference)::BIGINT * CASE
    WHEN abs(abs(difference) - 3) <= 0.3 THEN 3
    WHEN abs(abs(difference) - 6) <= 0.3 THEN 6
    WHEN abs(abs(difference) - 9) <= 0.3 THEN 9
    WHEN abs(abs(difference) - 2) <= log10(1 + tolerance) THEN 2
    ELSE 0
END;

-- By which power of ten a value differs from its neighbours in time: 3 or 6 to a factor of 2 from their median, or more
-- than two decades from the least and the greatest of them, as is every value that was multiplied by 1,000 where the
-- neighbours lie within a factor of 10 of the true one.
CREATE OR REPLACE TEMP MACRO time_exponent(from_median, from_least, from_greatest) AS CASE
    WHEN from_greatest >= 2 OR abs(from_median - 3) <= 0.3 OR abs(from_median - 6) <= 0.3
        THEN 3 * least(greatest(round(from_median / 3)::BIGINT, 1), 3)
    WHEN from_least <= -2 OR abs(from_median + 3) <= 0.3 OR abs(from_median + 6) <= 0.3
        THEN 3 * greatest(least(round(from_median / 3)::BIGINT, -1), -3)
    ELSE 0
END;

-- By which power of ten two series differ: their periods may be years apart, so a decade of growth is allowed; but not
-- where they differ by 10^2 (minor units of a currency), which growth resembles more often than 10^3.
CREATE OR REPLACE TEMP MACRO series_exponent(difference) AS sign(difference)::BIGINT * CASE
    WHEN abs(abs(difference) - 2) <= 0.01 THEN 2
    WHEN abs(difference) BETWEEN 2 AND 10 THEN 3 * least(greatest(round(abs(difference) / 3)::BIGINT, 1), 3)
    ELSE 0
END;

-- Whether two values differ by more than the tolerance, relative to the larger one.
CREATE OR REPLACE TEMP MACRO differs(least, greatest, tolerance) AS
    greatest - least > tolerance * greatest(abs(least), abs(greatest));

-- The largest power of ten, from 10^-4 to 10^12, that the value is a whole multiple of and that leaves it three digits or
-- more; 0 if there is none.
CREATE OR REPLACE TEMP MACRO largest_unit(value) AS coalesce(
    list_max(
        list_filter(
            [10.0::DOUBLE ** power FOR power IN range(-4, 13)],
            lambda unit: unit <= abs(value) / 100 AND abs(value / unit - round(value / unit)) < 1e-6
        )
    ),
    0
);
