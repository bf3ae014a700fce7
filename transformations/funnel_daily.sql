-- From visit to order, per day, device and traffic source: how many sessions reach each step, for product and marketing.
-- partition_by: date
--
-- Bounced are sessions of one page, abandoned those that left a cart behind.
-- A rate is the share of the sessions of one step that reach the next; null where nobody reached the first of the two.
WITH steps AS (
    SELECT
        date,
        device_type,
        traffic_source,
        count(*) AS sessions,
        count(*) FILTER (products_viewed > 0) AS viewed,
        count(*) FILTER (products_added_to_cart > 0) AS carted,
        count(*) FILTER (is_conversion) AS converted,
        count(*) FILTER (is_bounce) AS bounced,
        count(*) FILTER (abandoned_cart) AS abandoned
    FROM sessions
    GROUP BY date, device_type, traffic_source
)
SELECT
    date,
    device_type,
    traffic_source,
    sessions,
    viewed,
    carted,
    converted,
    viewed / nullif(sessions, 0) AS view_rate,
    carted / nullif(viewed, 0) AS cart_rate,
    converted / nullif(carted, 0) AS checkout_rate,
    converted / nullif(sessions, 0) AS conversion_rate,
    bounced,
    abandoned
FROM steps
