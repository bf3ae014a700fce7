-- The catalogue by day of creation, category, stock and activity: for those who buy and price.
-- csv: products/{date}/products_{date}_summary.csv
SELECT
    date,
    category,
    stock_status,
    is_active,
    count(*) AS nb_products,
    exact_avg(price) AS avg_price,
    exact_avg(cost) AS avg_cost,
    exact_avg(margin_pct) AS avg_margin_pct,
    exact_avg(rating) AS avg_rating,
    avg(review_count) AS avg_review_count
FROM products
GROUP BY date, category, stock_status, is_active
