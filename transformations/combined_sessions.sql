-- Every session with its user and its requests side by side: for analysts who ask what no KPI answers.
-- layer: joined
-- partition_by: date
-- order_by: none
-- input: users current
-- input: api_logs within 1 day
--
-- A session repeats for each of its log lines: never sum a session's figures over this table. Requests belong to a session of
-- the same user within a day of its start, so that a session over midnight is whole. The user is as it is now. Rows come in
-- the order of the sessions' parts: a join of columns as they are, unsorted, is computed by row number (docs/models.md).
SELECT
    s.*,
    u.* EXCLUDE (user_id)
        RENAME (
            country AS country_user,
            city AS city_user,
            total_spent AS total_spent_user,
            _file AS _file_user,
            _line AS _line_user
        ),
    l.* EXCLUDE (session_id, user_id)
        RENAME (
            date AS date_log,
            _file AS _file_log,
            _line AS _line_log
        )
FROM sessions AS s
LEFT JOIN users AS u ON u.user_id = s.user_id
LEFT JOIN api_logs AS l
    ON l.session_id = s.session_id
    AND l.user_id = s.user_id
    AND l.date BETWEEN s.date - 1 AND s.date + 1
