-- Requests per day, kind of page, method and country, with the spread of response times: for those who run the site.
-- partition_by: date
-- csv: api_logs/{date}/api_logs_{date}_kpi.csv
--
-- Quantiles are exact (interpolated between the two nearest values), not estimates; one list of the three sorts the values once.
WITH figures AS (
    SELECT
        date,
        category,
        method,
        country_code,
        count(*) AS count_requests,
        exact_avg(response_time_ms) AS avg_response_time_ms,
        quantile_cont(CAST(response_time_ms AS DOUBLE), [0.50, 0.95, 0.99]) AS quantiles,
        avg(payload_size_bytes) AS avg_payload_bytes,
        count(*) FILTER (cache_hit) AS nb_cache_hits,
        count(*) FILTER (status_code BETWEEN 400 AND 499) AS nb_4xx,
        count(*) FILTER (status_code BETWEEN 500 AND 599) AS nb_5xx
    FROM api_logs
    GROUP BY date, category, method, country_code
)
SELECT
    date,
    category,
    method,
    country_code,
    count_requests,
    avg_response_time_ms,
    quantiles[1] AS p50_response_time_ms,
    quantiles[2] AS p95_response_time_ms,
    quantiles[3] AS p99_response_time_ms,
    avg_payload_bytes,
    nb_cache_hits,
    nb_4xx,
    nb_5xx
FROM figures
