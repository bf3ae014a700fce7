-- The whole job of the sample project in DuckDB's SQL, as one who knows DuckDB would write it: every source
-- read, typed, checked row by row with all its reasons, duplicates by key set aside, quarantine, counts per file,
-- enriched tables by date, KPI tables, their CSV files, and the joined sessions.
--
-- duckdb_job.py replaces ${RAW} (the drop folder) and ${OUT}, unpacks api_logs.zip into ${OUT}/logs and turns the
-- workbook into ${OUT}/products.csv first, as DuckDB reads neither a zip nor, without a download, a workbook.
-- What it leaves out of what Écluse does: profiles of the columns, the lines' numbers and bytes (a row is known
-- by its place in the source, `_row`), a table format with commits, fsync, reports, scores, the page.
--
-- Why so, measured with 1.6 GB: docs/performance.md. Each file is read once, into a table of typed values; texts are
-- kept of rejected rows only, and their reasons computed for them only. Tables keep the order of the files
-- (preserve_insertion_order), so that `rowid` says which of two rows with the same key came first. Parts are written a
-- date at a time, which costs a third less than PARTITION_BY, and with small dictionaries, as ids are not worth any.

-- step: settings
SET threads = ${THREADS};
SET TimeZone = 'UTC';
SET checkpoint_threshold = '1TB'; -- else DuckDB 2 compresses its tables in memory on the way: 8 s of processor time
CREATE MACRO as_integer(x) AS CASE WHEN NOT contains(x, '.') THEN TRY_CAST(x AS BIGINT) END; -- BIGINT takes '3.5'
CREATE MACRO in_cents(x) AS round(x * 100) / 100; -- round(x, 2) of DuckDB 1 and 2 differ at halves
CREATE MACRO wrong_type(x, typed) AS x IS NOT NULL AND typed IS NULL;
CREATE MACRO needed(x, typed, name) AS CASE WHEN x IS NULL THEN name || '.not_null' WHEN typed IS NULL THEN name || '.type' END;
CREATE MACRO allowed(x, typed, name) AS CASE WHEN wrong_type(x, typed) THEN name || '.type' END;
CREATE MACRO broken(condition, id) AS CASE WHEN NOT condition THEN id END; -- a null breaks no rule

-- step: logs: read, type, check
CREATE TEMP TABLE logs AS
WITH t AS (
    SELECT * FROM read_json('${OUT}/logs/*.json.gz', format = 'auto', filename = true, columns = {
        timestamp: 'VARCHAR', request_id: 'VARCHAR', user_id: 'VARCHAR', session_id: 'VARCHAR', endpoint: 'VARCHAR',
        method: 'VARCHAR', status_code: 'VARCHAR', response_time_ms: 'VARCHAR', payload_size_bytes: 'VARCHAR',
        cache_hit: 'VARCHAR', country_code: 'VARCHAR', ip_address: 'VARCHAR', user_agent: 'VARCHAR'})
), v AS (
    SELECT t,
        TRY_CAST(timestamp AS TIMESTAMP) AS timestamp, request_id, user_id, session_id, endpoint, method,
        as_integer(status_code) AS status_code, TRY_CAST(response_time_ms AS DOUBLE) AS response_time_ms,
        as_integer(payload_size_bytes) AS payload_size_bytes, TRY_CAST(cache_hit AS BOOLEAN) AS cache_hit,
        country_code, ip_address, user_agent, parse_filename(filename) AS _file
    FROM t
), w AS (
    SELECT *,
        timestamp IS NOT NULL AND request_id IS NOT NULL AND session_id IS NOT NULL AND endpoint IS NOT NULL
        AND method IN ('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS')
        AND status_code BETWEEN 100 AND 599
        AND (response_time_ms <= 10000 OR t.response_time_ms IS NULL)
        AND (payload_size_bytes IS NOT NULL OR t.payload_size_bytes IS NULL)
        AND (cache_hit IS NOT NULL OR t.cache_hit IS NULL)
        AND (country_code <> '' OR country_code IS NULL) AS _good
    FROM v
)
SELECT * EXCLUDE (t, _good),
    CAST(timestamp AS DATE) AS date,
    CASE WHEN endpoint LIKE '%/checkout%' THEN 'checkout'
         WHEN endpoint LIKE '%/cart%' THEN 'cart'
         WHEN endpoint LIKE '%/categories%' THEN 'catalog'
         WHEN endpoint LIKE '%/login%' OR endpoint LIKE '%/auth%' THEN 'auth'
         WHEN endpoint LIKE '%/products%' THEN 'product'
         ELSE 'other' END AS category,
    CASE WHEN _good IS NOT TRUE THEN to_json(t) END AS _raw
FROM w;

-- step: logs: duplicates
CREATE TEMP TABLE logs_again AS
SELECT rowid AS _row, _file, to_json(logs) AS _raw FROM logs
WHERE _raw IS NULL
    AND request_id IN (SELECT request_id FROM logs WHERE _raw IS NULL GROUP BY request_id HAVING count(*) > 1)
QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY rowid) > 1;

CREATE TEMP VIEW api_logs AS
SELECT * EXCLUDE (_raw), logs.rowid AS _row FROM logs ANTI JOIN logs_again ON logs.rowid = logs_again._row
WHERE _raw IS NULL;

-- step: sessions: read, type, check
CREATE TEMP TABLE visits AS
WITH t AS (
    SELECT * FROM read_csv('${RAW}/user_sessions/sessions_*.csv', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', filename = true, columns = {
        session_id: 'VARCHAR', user_id: 'VARCHAR', start_time: 'VARCHAR', end_time: 'VARCHAR', pages_visited: 'VARCHAR',
        products_viewed: 'VARCHAR', products_added_to_cart: 'VARCHAR', conversion: 'VARCHAR', total_spent: 'VARCHAR',
        bounce_rate: 'VARCHAR', device_type: 'VARCHAR', browser: 'VARCHAR', referrer: 'VARCHAR', country: 'VARCHAR', city: 'VARCHAR'})
), v AS (
    SELECT t, session_id, user_id, TRY_CAST(start_time AS TIMESTAMP) AS start_time, TRY_CAST(end_time AS TIMESTAMP) AS end_time,
        as_integer(pages_visited) AS pages_visited, as_integer(products_viewed) AS products_viewed,
        as_integer(products_added_to_cart) AS products_added_to_cart, TRY_CAST(conversion AS BOOLEAN) AS "conversion",
        TRY_CAST(total_spent AS DOUBLE) AS total_spent, TRY_CAST(bounce_rate AS BOOLEAN) AS bounce_rate,
        device_type, browser, referrer, country, city, parse_filename(filename) AS _file
    FROM t
), d AS (
    SELECT *, date_diff('second', start_time, end_time) / 60.0 AS duration_min FROM v
), w AS (
    SELECT *,
        session_id IS NOT NULL AND end_time >= start_time AND duration_min <= 360
        AND (pages_visited >= 0 OR t.pages_visited IS NULL)
        AND (products_viewed IS NOT NULL OR t.products_viewed IS NULL)
        AND (products_added_to_cart >= 0 OR t.products_added_to_cart IS NULL)
        AND ("conversion" IS NOT NULL OR t."conversion" IS NULL)
        AND (total_spent >= 0 OR t.total_spent IS NULL)
        AND (bounce_rate IS NOT NULL OR t.bounce_rate IS NULL) AS _good
    FROM d
)
SELECT * EXCLUDE (t, _good, duration_min),
    CAST(start_time AS DATE) AS date,
    duration_min,
    CASE WHEN referrer IS NULL THEN 'unknown'
         WHEN contains(referrer, 'ads') THEN 'ads'
         WHEN contains(referrer, 'facebook') OR contains(referrer, 'social') THEN 'social'
         WHEN contains(referrer, 'direct') THEN 'direct'
         ELSE 'other' END AS traffic_source,
    CASE WHEN device_type IN ('desktop', 'tablet', 'mobile') THEN device_type ELSE 'unknown' END AS device_category,
    bounce_rate AS is_bounce, "conversion" AS is_conversion,
    products_added_to_cart > 0 AND NOT "conversion" AS abandoned_cart,
    CASE WHEN _good IS NOT TRUE THEN to_json(t) END AS _raw
FROM w;

-- step: sessions: duplicates
CREATE TEMP TABLE visits_again AS
SELECT rowid AS _row, _file, to_json(visits) AS _raw FROM visits
WHERE _raw IS NULL
    AND session_id IN (SELECT session_id FROM visits WHERE _raw IS NULL GROUP BY session_id HAVING count(*) > 1)
QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY rowid) > 1;

CREATE TEMP VIEW sessions AS
SELECT * EXCLUDE (_raw), visits.rowid AS _row FROM visits ANTI JOIN visits_again ON visits.rowid = visits_again._row
WHERE _raw IS NULL;

-- step: sales: read, type, check
CREATE TEMP TABLE orders AS
WITH t AS (
    SELECT * FROM read_csv('${RAW}/sales_*.csv', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', filename = true, columns = {
        order_id: 'VARCHAR', order_date: 'VARCHAR', user_id: 'VARCHAR', session_id: 'VARCHAR', product_id: 'VARCHAR',
        quantity: 'VARCHAR', unit_price: 'VARCHAR', discount: 'VARCHAR', total_amount: 'VARCHAR', payment_method: 'VARCHAR', status: 'VARCHAR'})
), v AS (
    SELECT t, order_id, TRY_CAST(order_date AS TIMESTAMP) AS order_date, user_id, session_id, product_id,
        as_integer(quantity) AS quantity, TRY_CAST(unit_price AS DOUBLE) AS unit_price, TRY_CAST(discount AS DOUBLE) AS discount,
        TRY_CAST(total_amount AS DOUBLE) AS total_amount, payment_method, status, parse_filename(filename) AS _file
    FROM t
), w AS (
    SELECT *,
        order_id IS NOT NULL AND order_date IS NOT NULL AND product_id IS NOT NULL AND quantity >= 1 AND unit_price >= 0
        AND (discount BETWEEN 0 AND 1 OR t.discount IS NULL)
        AND (total_amount IS NOT NULL OR t.total_amount IS NULL)
        AND coalesce(abs(total_amount - quantity * unit_price * (1 - discount)) < 0.011, true) AS _good
    FROM v
)
SELECT * EXCLUDE (t, _good),
    CAST(order_date AS DATE) AS date,
    in_cents(quantity * unit_price * (1 - coalesce(discount, 0))) AS net_amount,
    CASE WHEN _good IS NOT TRUE THEN to_json(t) END AS _raw
FROM w;

-- step: sales: duplicates
CREATE TEMP TABLE orders_again AS
SELECT rowid AS _row, _file, to_json(orders) AS _raw FROM orders
WHERE _raw IS NULL
    AND order_id IN (SELECT order_id FROM orders WHERE _raw IS NULL GROUP BY order_id HAVING count(*) > 1)
QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY rowid) > 1;

CREATE TEMP VIEW sales AS
SELECT * EXCLUDE (_raw), orders.rowid AS _row FROM orders ANTI JOIN orders_again ON orders.rowid = orders_again._row
WHERE _raw IS NULL;

-- step: users
CREATE TEMP TABLE people AS
WITH t AS (
    SELECT * FROM read_csv('${RAW}/users_*.csv', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', filename = true, columns = {
        user_id: 'VARCHAR', email: 'VARCHAR', first_name: 'VARCHAR', last_name: 'VARCHAR', age: 'VARCHAR', gender: 'VARCHAR',
        country: 'VARCHAR', city: 'VARCHAR', registration_date: 'VARCHAR', is_premium: 'VARCHAR', total_orders: 'VARCHAR',
        total_spent: 'VARCHAR', last_login: 'VARCHAR'})
), v AS (
    SELECT t, user_id, email, first_name, last_name, as_integer(age) AS age, gender, country, city,
        CASE WHEN registration_date LIKE '____-__-__%' THEN TRY_CAST(registration_date AS TIMESTAMP) END AS registration_date,
        TRY_CAST(is_premium AS BOOLEAN) AS is_premium, as_integer(total_orders) AS total_orders,
        TRY_CAST(total_spent AS DOUBLE) AS total_spent, TRY_CAST(last_login AS TIMESTAMP) AS last_login,
        parse_filename(filename) AS _file
    FROM t
), w AS (
    SELECT *,
        user_id IS NOT NULL AND registration_date IS NOT NULL AND last_login IS NOT NULL
        AND (age BETWEEN 16 AND 100 OR t.age IS NULL)
        AND (gender IN ('M', 'F', 'O') OR gender IS NULL)
        AND (is_premium IS NOT NULL OR t.is_premium IS NULL)
        AND (total_orders >= 0 OR t.total_orders IS NULL)
        AND (total_spent >= 0 OR t.total_spent IS NULL)
        AND (email NOT IN ('admin@example.com', 'root@example.org') OR email IS NULL) AS _good
    FROM v
)
SELECT * EXCLUDE (t, _good),
    CASE WHEN is_premium THEN 'premium' WHEN total_orders = 0 THEN 'new' ELSE 'returning' END AS customer_type,
    in_cents(1.5 * total_orders + 0.05 * total_spent + 10 * CAST(is_premium AS INTEGER)) AS loyalty_score,
    date_diff('day', CAST(last_login AS DATE), DATE '${AS_OF}') AS days_since_last_login,
    CASE WHEN _good IS NOT TRUE THEN to_json(t) END AS _raw
FROM w;

CREATE TEMP TABLE people_again AS
SELECT rowid AS _row, _file, to_json(people) AS _raw FROM people WHERE _raw IS NULL
QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY rowid) > 1;

CREATE TEMP VIEW users AS
SELECT * EXCLUDE (_raw), people.rowid AS _row FROM people ANTI JOIN people_again ON people.rowid = people_again._row
WHERE _raw IS NULL;

-- step: products
CREATE TEMP TABLE goods AS
WITH t AS (
    SELECT * FROM read_csv(['${RAW}/products_catalog.csv', '${OUT}/products_catalog.xlsx.csv'], auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', filename = true, columns = {
        product_id: 'VARCHAR', name: 'VARCHAR', category: 'VARCHAR', price: 'VARCHAR', cost: 'VARCHAR', stock: 'VARCHAR',
        brand: 'VARCHAR', created_at: 'VARCHAR', is_active: 'VARCHAR', rating: 'VARCHAR', review_count: 'VARCHAR'})
), v AS (
    SELECT t, product_id, name, category, TRY_CAST(price AS DOUBLE) AS price, TRY_CAST(cost AS DOUBLE) AS cost,
        as_integer(stock) AS stock, brand, TRY_CAST(created_at AS TIMESTAMP) AS created_at, TRY_CAST(is_active AS BOOLEAN) AS is_active,
        TRY_CAST(rating AS DOUBLE) AS rating, as_integer(review_count) AS review_count, parse_filename(filename) AS _file
    FROM t
), w AS (
    SELECT *,
        product_id IS NOT NULL AND price >= 0 AND stock >= 0
        AND (cost >= 0 OR t.cost IS NULL)
        AND (created_at IS NOT NULL OR t.created_at IS NULL)
        AND (is_active IS NOT NULL OR t.is_active IS NULL)
        AND (rating BETWEEN 0 AND 5 OR t.rating IS NULL)
        AND (review_count >= 0 OR t.review_count IS NULL) AS _good
    FROM v
)
SELECT * EXCLUDE (t, _good),
    CAST(created_at AS DATE) AS date,
    price - cost AS margin,
    CASE WHEN price > 0 THEN 100.0 * (price - cost) / price END AS margin_pct,
    CASE WHEN cost > 0 THEN 100.0 * (price - cost) / cost END AS markup_pct,
    CASE WHEN stock <= 10 THEN 'low' WHEN stock <= 100 THEN 'medium' ELSE 'high' END AS stock_status,
    date_diff('day', CAST(created_at AS DATE), DATE '${AS_OF}') <= 30 AS is_new,
    CASE WHEN _good IS NOT TRUE THEN to_json(t) END AS _raw
FROM w;

CREATE TEMP TABLE goods_again AS
SELECT rowid AS _row, _file, to_json(goods) AS _raw FROM goods WHERE _raw IS NULL
QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY rowid) > 1;

CREATE TEMP VIEW products AS
SELECT * EXCLUDE (_raw), goods.rowid AS _row FROM goods ANTI JOIN goods_again ON goods.rowid = goods_again._row
WHERE _raw IS NULL;

-- step: settings of the outputs
SET preserve_insertion_order = false; -- their rows' order does not matter, and keeping it costs

-- step: quarantine
CREATE TEMP TABLE rejected AS
SELECT 'api_logs' AS source, _file, _row, list_filter([
        needed(t ->> 'timestamp', timestamp, 'timestamp'), needed(request_id, request_id, 'request_id'),
        needed(session_id, session_id, 'session_id'), needed(endpoint, endpoint, 'endpoint'),
        needed(method, method, 'method'), needed(t ->> 'status_code', status_code, 'status_code'),
        allowed(t ->> 'response_time_ms', response_time_ms, 'response_time_ms'),
        allowed(t ->> 'payload_size_bytes', payload_size_bytes, 'payload_size_bytes'),
        allowed(t ->> 'cache_hit', cache_hit, 'cache_hit'),
        broken(status_code BETWEEN 100 AND 599, 'status_code.allowed_range'),
        broken(response_time_ms <= 10000, 'response_time_ms.max_value'),
        broken(method IN ('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'), 'method.allowed_values'),
        broken(country_code <> '', 'country_code.not_allowed_values')], lambda x: x IS NOT NULL) AS reasons, t AS raw
FROM (SELECT *, rowid AS _row, _raw AS t FROM logs WHERE _raw IS NOT NULL)
UNION ALL
SELECT 'api_logs', _file, _row, ['duplicate-key'], _raw FROM logs_again
UNION ALL
SELECT 'sessions' AS source, _file, _row, list_filter([
        needed(session_id, session_id, 'session_id'), needed(t ->> 'start_time', start_time, 'start_time'),
        needed(t ->> 'end_time', end_time, 'end_time'), allowed(t ->> 'pages_visited', pages_visited, 'pages_visited'),
        allowed(t ->> 'products_viewed', products_viewed, 'products_viewed'),
        allowed(t ->> 'products_added_to_cart', products_added_to_cart, 'products_added_to_cart'),
        allowed(t ->> 'conversion', "conversion", 'conversion'), allowed(t ->> 'total_spent', total_spent, 'total_spent'),
        allowed(t ->> 'bounce_rate', bounce_rate, 'bounce_rate'),
        broken(pages_visited >= 0, 'pages_visited.min_value'),
        broken(products_added_to_cart >= 0, 'products_added_to_cart.min_value'),
        broken(total_spent >= 0, 'total_spent.min_value'), broken(end_time >= start_time, 'end_time.min_value'),
        broken(duration_min <= 360, 'duration_min.max_value')], lambda x: x IS NOT NULL) AS reasons, t AS raw
FROM (SELECT *, rowid AS _row, _raw AS t FROM visits WHERE _raw IS NOT NULL)
UNION ALL
SELECT 'sessions', _file, _row, ['duplicate-key'], _raw FROM visits_again
UNION ALL
SELECT 'sales' AS source, _file, _row, list_filter([
        needed(order_id, order_id, 'order_id'), needed(t ->> 'order_date', order_date, 'order_date'),
        needed(product_id, product_id, 'product_id'), needed(t ->> 'quantity', quantity, 'quantity'),
        needed(t ->> 'unit_price', unit_price, 'unit_price'), allowed(t ->> 'discount', discount, 'discount'),
        allowed(t ->> 'total_amount', total_amount, 'total_amount'),
        broken(quantity >= 1, 'quantity.min_value'), broken(unit_price >= 0, 'unit_price.min_value'),
        broken(discount BETWEEN 0 AND 1, 'discount.allowed_range'),
        broken(abs(total_amount - quantity * unit_price * (1 - discount)) < 0.011, 'total_matches')], lambda x: x IS NOT NULL) AS reasons, t AS raw
FROM (SELECT *, rowid AS _row, _raw AS t FROM orders WHERE _raw IS NOT NULL)
UNION ALL
SELECT 'sales', _file, _row, ['duplicate-key'], _raw FROM orders_again
UNION ALL
SELECT 'users' AS source, _file, _row, list_filter([
        needed(user_id, user_id, 'user_id'), needed(t ->> 'registration_date', registration_date, 'registration_date'),
        needed(t ->> 'last_login', last_login, 'last_login'), allowed(t ->> 'age', age, 'age'),
        allowed(t ->> 'is_premium', is_premium, 'is_premium'), allowed(t ->> 'total_orders', total_orders, 'total_orders'),
        allowed(t ->> 'total_spent', total_spent, 'total_spent'),
        broken(age BETWEEN 16 AND 100, 'age.allowed_range'), broken(total_orders >= 0, 'total_orders.min_value'),
        broken(total_spent >= 0, 'total_spent.min_value'), broken(gender IN ('M', 'F', 'O'), 'gender.allowed_values'),
        broken(email NOT IN ('admin@example.com', 'root@example.org'), 'email.not_allowed_values')], lambda x: x IS NOT NULL) AS reasons, t AS raw
FROM (SELECT *, rowid AS _row, _raw AS t FROM people WHERE _raw IS NOT NULL)
UNION ALL
SELECT 'users', _file, _row, ['duplicate-key'], _raw FROM people_again
UNION ALL
SELECT 'products' AS source, _file, _row, list_filter([
        needed(product_id, product_id, 'product_id'), needed(t ->> 'price', price, 'price'), needed(t ->> 'stock', stock, 'stock'),
        allowed(t ->> 'cost', cost, 'cost'), allowed(t ->> 'created_at', created_at, 'created_at'), allowed(t ->> 'is_active', is_active, 'is_active'),
        allowed(t ->> 'rating', rating, 'rating'), allowed(t ->> 'review_count', review_count, 'review_count'),
        broken(price >= 0, 'price.min_value'), broken(cost >= 0, 'cost.min_value'), broken(stock >= 0, 'stock.min_value'),
        broken(review_count >= 0, 'review_count.min_value'), broken(rating BETWEEN 0 AND 5, 'rating.allowed_range')], lambda x: x IS NOT NULL) AS reasons, t AS raw
FROM (SELECT *, rowid AS _row, _raw AS t FROM goods WHERE _raw IS NOT NULL)
UNION ALL
SELECT 'products', _file, _row, ['duplicate-key'], _raw FROM goods_again;
COPY (FROM rejected WHERE source = 'api_logs') TO '${OUT}/quarantine/api_logs.json' (FORMAT json);
COPY (FROM rejected WHERE source = 'sessions') TO '${OUT}/quarantine/sessions.json' (FORMAT json);
COPY (FROM rejected WHERE source = 'sales') TO '${OUT}/quarantine/sales.json' (FORMAT json);
COPY (FROM rejected WHERE source = 'users') TO '${OUT}/quarantine/users.json' (FORMAT json);
COPY (FROM rejected WHERE source = 'products') TO '${OUT}/quarantine/products.json' (FORMAT json);

-- step: quality
COPY (
    WITH files AS (
        SELECT 'api_logs' AS source, _file, count(*) AS "read", 100.0 * (count(timestamp) + count(request_id) + count(user_id) + count(session_id) + count(endpoint) +
            count(method) + count(status_code) + count(response_time_ms) + count(payload_size_bytes) +
            count(cache_hit) + count(country_code) + count(ip_address) + count(user_agent))
            / (13 * count(*)) AS completeness FROM logs GROUP BY _file
        UNION ALL
        SELECT 'sessions' AS source, _file, count(*) AS "read", 100.0 * (count(session_id) + count(user_id) + count(start_time) + count(end_time) + count(pages_visited) +
            count(products_viewed) + count(products_added_to_cart) + count("conversion") + count(total_spent) +
            count(bounce_rate) + count(device_type) + count(browser) + count(referrer) + count(country) +
            count(city))
            / (15 * count(*)) AS completeness FROM visits GROUP BY _file
        UNION ALL
        SELECT 'sales' AS source, _file, count(*) AS "read", 100.0 * (count(order_id) + count(order_date) + count(user_id) + count(session_id) + count(product_id) +
            count(quantity) + count(unit_price) + count(discount) + count(total_amount) +
            count(payment_method) + count(status))
            / (11 * count(*)) AS completeness FROM orders GROUP BY _file
        UNION ALL
        SELECT 'users' AS source, _file, count(*) AS "read", 100.0 * (count(user_id) + count(email) + count(first_name) + count(last_name) + count(age) + count(gender) +
            count(country) + count(city) + count(registration_date) + count(is_premium) + count(total_orders) +
            count(total_spent) + count(last_login))
            / (13 * count(*)) AS completeness FROM people GROUP BY _file
        UNION ALL
        SELECT 'products' AS source, _file, count(*) AS "read", 100.0 * (count(product_id) + count(name) + count(category) + count(price) + count(cost) + count(stock) +
            count(brand) + count(created_at) + count(is_active) + count(rating) + count(review_count))
            / (11 * count(*)) AS completeness FROM goods GROUP BY _file
    ), counted AS (
        SELECT source, _file, count(*) FILTER (reasons <> ['duplicate-key']) AS rejected,
            count(*) FILTER (reasons = ['duplicate-key']) AS duplicate FROM rejected GROUP BY ALL
    ), by_reason AS (
        SELECT source, _file, map_from_entries(list((reason, failed))) AS by_reason
        FROM (SELECT source, _file, reason, count(*) AS failed FROM (SELECT source, _file, unnest(reasons) AS reason FROM rejected) GROUP BY ALL)
        GROUP BY ALL
    )
    SELECT source, _file, "read", coalesce(rejected, 0) AS rejected, coalesce(duplicate, 0) AS duplicate, completeness, by_reason
    FROM files LEFT JOIN counted USING (source, _file) LEFT JOIN by_reason USING (source, _file)
) TO '${OUT}/quality.json' (FORMAT json);

-- step: enriched logs, for each date of api_logs
COPY (SELECT * EXCLUDE (date) FROM api_logs WHERE date = DATE '${DATE}')
TO '${OUT}/enriched/api_logs/date=${DATE}/part.parquet' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 2000);
-- step: enriched sessions, for each date of sessions
COPY (SELECT * EXCLUDE (date) FROM sessions WHERE date = DATE '${DATE}')
TO '${OUT}/enriched/sessions/date=${DATE}/part.parquet' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 2000);
-- step: enriched sales, for each date of sales
COPY (SELECT * EXCLUDE (date) FROM sales WHERE date = DATE '${DATE}')
TO '${OUT}/enriched/sales/date=${DATE}/part.parquet' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 2000);
-- step: enriched users, products
COPY users TO '${OUT}/enriched/users.parquet';
COPY products TO '${OUT}/enriched/products.parquet';

-- step: KPIs of logs
CREATE TEMP TABLE api_logs_kpi AS
WITH figures AS (
    SELECT date, category, method, country_code, count(*) AS count_requests, avg(response_time_ms) AS avg_response_time_ms,
        quantile_cont(response_time_ms, [0.50, 0.95, 0.99]) AS q, avg(payload_size_bytes) AS avg_payload_bytes,
        count(*) FILTER (cache_hit) AS nb_cache_hits, count(*) FILTER (status_code BETWEEN 400 AND 499) AS nb_4xx,
        count(*) FILTER (status_code BETWEEN 500 AND 599) AS nb_5xx
    FROM api_logs GROUP BY ALL
)
SELECT date, category, method, country_code, count_requests, avg_response_time_ms, q[1] AS p50_response_time_ms,
    q[2] AS p95_response_time_ms, q[3] AS p99_response_time_ms, avg_payload_bytes, nb_cache_hits, nb_4xx, nb_5xx
FROM figures;
-- step: KPIs of sessions
CREATE TEMP TABLE sessions_kpi AS
SELECT date, device_type, browser, referrer, country, city, "conversion", count(*) AS nb_sessions,
    avg(duration_min) AS avg_duration_min, avg(pages_visited) AS avg_pages_visited, avg(products_viewed) AS avg_products_viewed,
    avg(products_added_to_cart) AS avg_products_added, avg(CAST(is_conversion AS INTEGER)) AS conversion_rate,
    avg(CAST(is_bounce AS INTEGER)) AS bounce_rate, avg(total_spent) AS avg_total_spent,
    avg(CAST(abandoned_cart AS INTEGER)) AS cart_abandonment_rate
FROM sessions GROUP BY ALL;
-- step: other KPIs
CREATE TEMP TABLE funnel_daily AS
WITH steps AS (
    SELECT date, device_type, traffic_source, count(*) AS sessions, count(*) FILTER (products_viewed > 0) AS viewed,
        count(*) FILTER (products_added_to_cart > 0) AS carted, count(*) FILTER (is_conversion) AS converted
    FROM sessions GROUP BY ALL
)
SELECT *, viewed / nullif(sessions, 0) AS view_rate, carted / nullif(viewed, 0) AS cart_rate,
    converted / nullif(carted, 0) AS checkout_rate, converted / nullif(sessions, 0) AS conversion_rate
FROM steps;
CREATE TEMP TABLE products_kpi AS
SELECT date, category, stock_status, is_active, count(*) AS nb_products, avg(price) AS avg_price, avg(cost) AS avg_cost,
    avg(margin_pct) AS avg_margin_pct, avg(rating) AS avg_rating, avg(review_count) AS avg_review_count
FROM products GROUP BY ALL;
CREATE TEMP TABLE users_kpi AS
SELECT country, customer_type, is_premium, count(*) AS nb_users, avg(age) AS avg_age, avg(total_orders) AS avg_total_orders,
    avg(total_spent) AS avg_total_spent, avg(loyalty_score) AS avg_loyalty_score, avg(days_since_last_login) AS avg_days_since_login
FROM users GROUP BY ALL;
CREATE TEMP TABLE sales_kpi AS
SELECT s.date, coalesce(p.category, 'unknown') AS category, s.payment_method, s.status, count(*) AS orders, sum(s.quantity) AS units,
    sum(s.total_amount) AS revenue, avg(s.total_amount) AS avg_order_value, sum(s.total_amount - s.quantity * p.cost) AS margin
FROM sales s LEFT JOIN products p USING (product_id) GROUP BY ALL;

-- step: KPI tables and CSV files
COPY api_logs_kpi TO '${OUT}/kpi/api_logs_kpi.parquet';
COPY sessions_kpi TO '${OUT}/kpi/sessions_kpi.parquet';
COPY products_kpi TO '${OUT}/kpi/products_kpi.parquet';
COPY users_kpi TO '${OUT}/kpi/users_kpi.parquet';
COPY sales_kpi TO '${OUT}/kpi/sales_kpi.parquet';
COPY funnel_daily TO '${OUT}/kpi/funnel_daily.parquet';
-- duckdb_job.py gives these files the names of the layout: api_logs/2025-07-18/api_logs_2025-07-18_kpi.csv; those of the
-- products it writes itself, as PARTITION_BY is slow for more than a thousand days with a few rows each.
COPY api_logs_kpi TO '${OUT}/csv/api_logs' (FORMAT csv, HEADER, PARTITION_BY (date), WRITE_PARTITION_COLUMNS true);
COPY sessions_kpi TO '${OUT}/csv/sessions' (FORMAT csv, HEADER, PARTITION_BY (date), WRITE_PARTITION_COLUMNS true);
COPY users_kpi TO '${OUT}/csv/users' (FORMAT csv, HEADER, PARTITION_BY (country), WRITE_PARTITION_COLUMNS true);
COPY sales_kpi TO '${OUT}/csv/sales' (FORMAT csv, HEADER, PARTITION_BY (date), WRITE_PARTITION_COLUMNS true);

-- step: joined sessions, for each date of sessions
COPY (
    SELECT s.* EXCLUDE (date),
        u.* EXCLUDE (user_id) RENAME (country AS country_user, city AS city_user, total_spent AS total_spent_user, _file AS _file_user, _row AS _row_user),
        l.* EXCLUDE (session_id, user_id) RENAME (date AS date_log, _file AS _file_log, _row AS _row_log)
    FROM (SELECT * FROM sessions WHERE date = DATE '${DATE}') s
    LEFT JOIN users u ON u.user_id = s.user_id
    LEFT JOIN (SELECT * FROM api_logs WHERE date BETWEEN DATE '${DATE}' - 1 AND DATE '${DATE}' + 1) l
        ON l.session_id = s.session_id AND l.user_id = s.user_id
) TO '${OUT}/joined/combined_sessions/date=${DATE}/part.parquet' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 2000);
