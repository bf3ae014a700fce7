-- Sessions per day and hour of their start, in UTC: when the shop is busy, and when it sells.
-- partition_by: date
SELECT
    date,
    extract('hour' FROM start_time) AS hour,
    count(*) AS sessions,
    count(*) FILTER (is_conversion) AS converted
FROM sessions
GROUP BY date, extract('hour' FROM start_time)
