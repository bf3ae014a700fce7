-- Customers by country, kind and membership: for those who look after them.
-- csv: users/{country}/users_{country}_summary.csv
SELECT
    country,
    customer_type,
    is_premium,
    count(*) AS nb_users,
    avg(age) AS avg_age,
    avg(total_orders) AS avg_total_orders,
    exact_avg(total_spent) AS avg_total_spent,
    exact_avg(loyalty_score) AS avg_loyalty_score,
    avg(days_since_last_login) AS avg_days_since_login
FROM users
GROUP BY country, customer_type, is_premium
