"""The correctness table: whether every contender gives the same answers."""
TOLERANCE = 1e-9  # relative, of sums of doubles: they are added in another order

# What the table shows in any case; all other facts are compared as well, and shown where they differ.
SHOWN = [f"{source}: {what}" for source in ("api_logs", "sessions", "sales", "users", "products")
         for what in ("read", "accepted", "rejected", "duplicate")] + [
    "api_logs_kpi: sum of count_requests", "api_logs_kpi: sum of p99_response_time_ms", "sessions_kpi: sum of nb_sessions",
    "funnel_daily: sum of converted", "sales_kpi: sum of units", "sales_kpi: sum of revenue", "sales_kpi: sum of margin",
    "users_kpi: sum of nb_users", "products_kpi: sum of nb_products", "combined_sessions: rows", "combined_sessions: with a log line"]


def same(a, b):
    if a is None or b is None:
        return a is b
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def text_of(value):
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def compare(answers):
    """(table, differences): a Markdown table, and the names of the facts that differ."""
    names = list(answers)
    first = answers[names[0]]
    facts = list(first) + [fact for name in names[1:] for fact in answers[name] if fact not in first]
    facts = list(dict.fromkeys(facts))
    wrong = [fact for fact in facts if not all(same(first.get(fact), answers[name].get(fact)) for name in names[1:])]
    lines = ["| | " + " | ".join(names) + " | |", "|---|" + "---:|" * len(names) + "---|"]
    for fact in [fact for fact in SHOWN if fact in facts] + [fact for fact in wrong if fact not in SHOWN]:
        verdict = "**differs**" if fact in wrong else "same"
        lines.append(f"| {fact} | " + " | ".join(text_of(answers[name].get(fact)) for name in names) + f" | {verdict} |")
    silent = len([fact for fact in facts if fact not in SHOWN and fact not in wrong])
    lines.append(f"| {silent} further facts: rows failing each check, sums of every column of every table, CSV files | "
                 + " | ".join("" for _ in names) + " | same |")
    return "\n".join(lines), wrong
