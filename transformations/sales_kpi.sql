-- Orders, units and money per day, category, way of payment and status: for sales and finance.
-- partition_by: date
-- input: products current
-- csv: sales/{date}/sales_{date}_kpi.csv
--
-- An order is one row of the sales. Revenue is what was charged (total_amount, discount taken off); margin is revenue less
-- quantity times the product's cost, over the orders whose product and cost are known. The category is that of the product
-- as it is now, 'unknown' where the catalogue lacks it; a change of the catalogue does not recompute past days.
SELECT
    s.date,
    coalesce(p.category, 'unknown') AS category,
    s.payment_method,
    s.status,
    count(*) AS orders,
    sum(s.quantity) AS units,
    exact_sum(s.total_amount) AS revenue,
    exact_avg(s.total_amount) AS avg_order_value,
    exact_sum(s.total_amount - s.quantity * p.cost) AS margin
FROM sales AS s
LEFT JOIN products AS p ON p.product_id = s.product_id
GROUP BY s.date, coalesce(p.category, 'unknown'), s.payment_method, s.status
