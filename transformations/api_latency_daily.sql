-- Response times per day and kind of page, and of each day as a whole: for those who promise them.
-- partition_by: date
--
-- Quantiles cannot be had from those of smaller groups, so the day as a whole has a row of its own: is_total, category null.
-- One list of the three sorts the values once.
WITH figures AS (
    SELECT
        date,
        false AS is_total,
        coalesce(category, 'unknown') AS category,
        count(*) AS requests,
        quantile_cont(CAST(response_time_ms AS DOUBLE), [0.50, 0.95, 0.99]) AS quantiles
    FROM api_logs
    GROUP BY date, coalesce(category, 'unknown')
    UNION ALL
    SELECT
        date,
        true AS is_total,
        CAST(NULL AS VARCHAR) AS category,
        count(*) AS requests,
        quantile_cont(CAST(response_time_ms AS DOUBLE), [0.50, 0.95, 0.99]) AS quantiles
    FROM api_logs
    GROUP BY date
)
SELECT
    date,
    is_total,
    category,
    requests,
    quantiles[1] AS p50,
    quantiles[2] AS p95,
    quantiles[3] AS p99
FROM figures
