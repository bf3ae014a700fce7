-- Sessions per day, device, browser, referrer, place and outcome: for marketing.
-- partition_by: date
-- csv: sessions/{date}/sessions_{date}_aggregated.csv
--
-- Rates are shares from 0 to 1 of the sessions for which the answer is known.
SELECT
    date,
    device_type,
    browser,
    referrer,
    country,
    city,
    conversion,
    count(*) AS nb_sessions,
    exact_avg(duration_min) AS avg_duration_min,
    avg(pages_visited) AS avg_pages_visited,
    avg(products_viewed) AS avg_products_viewed,
    avg(products_added_to_cart) AS avg_products_added,
    avg(CAST(is_conversion AS INTEGER)) AS conversion_rate,
    avg(CAST(is_bounce AS INTEGER)) AS bounce_rate,
    exact_avg(total_spent) AS avg_total_spent,
    avg(CAST(abandoned_cart AS INTEGER)) AS cart_abandonment_rate
FROM sessions
GROUP BY date, device_type, browser, referrer, country, city, conversion
