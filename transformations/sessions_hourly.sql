-- Sessions per day and hour of their start, in UTC: when the shop is busy, and when it sells.
-- partition_by: date
SELECT
    date,
    CAST(hour(start_time) AS BIGINT) AS hour,
    count(*) AS sessions,
    count(*) FILTER (is_conversion) AS converted
FROM sessions
GROUP BY date, CAST(hour(start_time) AS BIGINT)
