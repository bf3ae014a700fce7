/* Sample facts, as the binary would write them: `npm run sample [FOLDER]` writes NAME.json, and NAME.html where
 * the template is built (dist/page.html, or ECLUSE_PAGE). The same every time.
 *
 *   small    an ordinary run: 5 sources, 47 files, 34 checks, 40 runs before it
 *   empty    the first run of all, without a file: nothing is known
 *   large    3,000 checks, 1,200 runs, 1,000 files
 *   hostile  small, with a text in every place that tries to be more than text
 *   passed, warned, errored  small, with that verdict */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

const DAY = 86400e3;
const END = Date.UTC(2025, 7, 18, 13, 34, 5);
const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
const day = (ms) => iso(ms).slice(0, 10);
const DIMENSIONS = ['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness'];

function dice(seed) {
  let s = seed >>> 0;
  const next = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, int: (a, b) => a + Math.floor(next() * (b - a + 1)), pick: (list) => list[Math.floor(next() * list.length)] };
}

const range = (n, f) => Array.from({ length: n }, (_, i) => f(i));
const total = (list) => list.reduce((a, b) => a + b, 0);
const round = (x, d = 2) => Math.round(x * 10 ** d) / 10 ** d;

const SOURCES = {
  api_logs: { schema: 'logs', load: 'append', rows: 2800000, columns: [['timestamp', 'datetime'], ['request_id', 'string'], ['user_id', 'string'], ['session_id', 'string'], ['endpoint', 'string'], ['method', 'string'], ['status_code', 'integer'], ['response_time_ms', 'float'], ['payload_size_bytes', 'integer'], ['cache_hit', 'boolean'], ['country_code', 'string'], ['ip_address', 'string'], ['user_agent', 'string'], ['category', 'string', true], ['date', 'date', true]] },
  sessions: { schema: 'sessions', load: 'append', rows: 725000, columns: [['session_id', 'string'], ['user_id', 'string'], ['start_time', 'datetime'], ['end_time', 'datetime'], ['pages_visited', 'integer'], ['products_added_to_cart', 'integer'], ['conversion', 'boolean'], ['total_spent', 'decimal(12,2)'], ['device_type', 'string'], ['referrer', 'string'], ['country', 'string'], ['duration_min', 'float', true], ['traffic_source', 'string', true]] },
  products: { schema: 'products', load: 'merge', rows: 12000, columns: [['product_id', 'string'], ['name', 'string'], ['category', 'string'], ['price', 'decimal(12,2)'], ['cost', 'decimal(12,2)'], ['stock', 'integer'], ['rating', 'float'], ['is_active', 'boolean'], ['margin_pct', 'float', true], ['stock_status', 'string', true]] },
  users: { schema: 'users', load: 'merge', rows: 186000, columns: [['user_id', 'string'], ['email', 'string'], ['first_name', 'string'], ['age', 'integer'], ['gender', 'string'], ['country', 'string'], ['registration_date', 'date'], ['is_premium', 'boolean'], ['total_spent', 'decimal(12,2)'], ['customer_type', 'string', true], ['loyalty_score', 'float', true]] },
  sales: { schema: 'sales', load: 'append', rows: 310000, columns: [['order_id', 'string'], ['order_date', 'datetime'], ['user_id', 'string'], ['product_id', 'string'], ['quantity', 'integer'], ['unit_price', 'decimal(12,2)'], ['discount', 'float'], ['total_amount', 'decimal(12,2)'], ['payment_method', 'string'], ['status', 'string'], ['net_amount', 'decimal(12,2)', true]] },
};
const RULES = [
  ['api_logs', 'status_code.allowed_range', 'allowed_range', 'status_code', 'validity'], ['api_logs', 'response_time_ms.max_value', 'max_value', 'response_time_ms', 'validity'], ['api_logs', 'method.allowed_values', 'allowed_values', 'method', 'validity'], ['api_logs', 'country_code.not_allowed_values', 'not_allowed_values', 'country_code', 'validity'], ['api_logs', 'unique', 'unique', null, 'uniqueness'], ['api_logs', 'timestamp.not_null', 'not_null', 'timestamp', 'completeness'],
  ['sessions', 'pages_visited.min_value', 'min_value', 'pages_visited', 'validity'], ['sessions', 'products_added_to_cart.min_value', 'min_value', 'products_added_to_cart', 'validity'], ['sessions', 'total_spent.min_value', 'min_value', 'total_spent', 'validity'], ['sessions', 'end_after_start', 'expression', null, 'consistency'], ['sessions', 'duration_min.max_value', 'max_value', 'duration_min', 'validity'], ['sessions', 'unique', 'unique', null, 'uniqueness'],
  ['products', 'price.min_value', 'min_value', 'price', 'validity'], ['products', 'cost.min_value', 'min_value', 'cost', 'validity'], ['products', 'stock.min_value', 'min_value', 'stock', 'validity'], ['products', 'rating.allowed_range', 'allowed_range', 'rating', 'validity'], ['products', 'unique', 'unique', null, 'uniqueness'],
  ['users', 'age.allowed_range', 'allowed_range', 'age', 'validity'], ['users', 'gender.allowed_values', 'allowed_values', 'gender', 'validity'], ['users', 'email.not_allowed_values', 'not_allowed_values', 'email', 'validity'], ['users', 'total_spent.min_value', 'min_value', 'total_spent', 'validity'], ['users', 'unique', 'unique', null, 'uniqueness'], ['users', 'email.regex', 'regex', 'email', 'validity'],
  ['sales', 'quantity.min_value', 'min_value', 'quantity', 'validity'], ['sales', 'unit_price.min_value', 'min_value', 'unit_price', 'validity'], ['sales', 'discount.allowed_range', 'allowed_range', 'discount', 'validity'], ['sales', 'total_matches', 'expression', null, 'consistency'], ['sales', 'unique', 'unique', null, 'uniqueness'], ['sales', 'order_date.not_null', 'not_null', 'order_date', 'completeness'], ['sales', 'status.allowed_values', 'allowed_values', 'status', 'validity'],
];
const EXAMPLE = { integer: '-3', float: '12044.7', string: 'FETCH', boolean: 'maybe', datetime: '2025-13-41T99:00', date: '0000-00-00', decimal: '-19.99' };

function history(d, count, score) {
  const runs = { id: [], started: [], verdict: [], seconds: [], score: [], files: [], passed: [], read: [], accepted: [], quarantined: [], duplicate: [], money_affected: [], peak_memory_bytes: [], rows_per_second: [], cpu_seconds: [], total: count };
  for (let i = 0; i < count; i++) {
    const at = END - (count - 1 - i) * DAY, read = Math.round(4000000 * (1 + 0.12 * Math.sin(i / 7) + 0.06 * d.next()));
    const quarantined = Math.round(read * (0.006 + 0.004 * d.next())), duplicate = Math.round(read * 0.001 * d.next()), seconds = round(read / (900000 + 160000 * d.next()));
    const files = 47 - (i % 11 === 3 ? 1 : 0), bad = d.next() < 0.12 ? d.int(1, 3) : 0;
    runs.id.push(`${iso(at).replace(/[-:]/g, '')}-${String(i + 1).padStart(4, '0')}`);
    runs.started.push(iso(at));
    runs.verdict.push(bad ? (d.next() < 0.3 ? 'errored' : 'failed') : d.next() < 0.35 ? 'passed' : 'warned');
    runs.seconds.push(seconds);
    runs.score.push(round(score - 2.2 * d.next() - (bad ? 1.4 : 0)));
    runs.files.push(files);
    runs.passed.push(files - bad - d.int(0, 9));
    runs.read.push(read);
    runs.quarantined.push(quarantined);
    runs.duplicate.push(duplicate);
    runs.accepted.push(read - quarantined - duplicate);
    runs.money_affected.push(i < 3 ? null : round(quarantined * 3.1));
    runs.peak_memory_bytes.push(Math.round(610e6 + 90e6 * d.next()));
    runs.rows_per_second.push(Math.round(read / seconds));
    runs.cpu_seconds.push(round(seconds * 1.8));
  }
  return runs;
}

function makeFiles(d, count, worst) {
  const names = Object.keys(SOURCES), files = [];
  for (let i = 0; i < count; i++) {
    const source = i % 7 === 0 ? 'products' : names[i % 5], def = SOURCES[source];
    const errored = i === 0 && worst === 'errored', failed = !errored && i < 2 && worst !== 'passed' && worst !== 'warned', warned = !errored && !failed && i < count * 0.3 && worst !== 'passed';
    const rows = errored ? 0 : Math.round((def.rows / (count / 5)) * (0.7 + 0.6 * d.next()));
    const quarantined = failed ? Math.round(rows * 0.081) : warned ? Math.round(rows * 0.012 * d.next()) + 1 : 0, duplicate = warned ? Math.round(rows * 0.002 * d.next()) : 0;
    const stamp = day(END - (i % 28) * DAY).replace(/-/g, ''), member = source === 'api_logs' ? `api_logs_${stamp}_${String(i % 24).padStart(2, '0')}00.json.gz` : null;
    const path = member ? 'data/raw/api_logs.zip' : source === 'sessions' ? `data/raw/user_sessions/sessions_${stamp}_${i}.csv` : `data/raw/${source}_${stamp}_${i}.csv`;
    const validity = errored ? null : round(100 * (1 - quarantined / Math.max(1, rows)));
    const scores = errored ? { completeness: null, validity: null, uniqueness: null, consistency: null, timeliness: null, overall: null }
      : { completeness: round(failed ? 93.2 : 98.4 + 1.6 * d.next()), validity, uniqueness: round(100 * (1 - duplicate / Math.max(1, rows))), consistency: source === 'sales' || source === 'sessions' ? round(99.2 + 0.8 * d.next()) : null, timeliness: null, overall: round(failed ? 91.4 : 98.7 + 1.3 * d.next()) };
    const label = member ?? path.split('/').pop();
    files.push({ label, source, path, member, verdict: errored ? 'errored' : failed ? 'failed' : warned ? 'warned' : 'passed', rows, accepted: rows - quarantined - duplicate, quarantined, duplicate, completeness: scores.completeness, threshold: source === 'api_logs' ? 97 : 95, scores,
      bytes: Math.round(rows * 88 + 300), sha256: range(64, () => d.pick([...'0123456789abcdef'])).join(''), seconds: round(rows / 400000, 3), validated_at: iso(END - 20000),
      errors: errored ? ['The gzip stream ends too early: an interrupted transfer'] : failed ? ['completeness 93.2 is under the threshold of 95', `${quarantined} rows break total_matches`] : warned ? [`${quarantined} rows were rejected`] : [],
      arithmetic: errored ? null : '(completeness 1×98.9 + validity 1×99.4 + uniqueness 1×99.9) ÷ 3', missing: failed && i === 1 ? ['discount'] : [], undeclared: i === 5 ? ['utm_campaign'] : [], drift: i === 5 ? ['utm_campaign: new column, text'] : [], report: `validation_report_${label}.json` });
  }
  // What could not be read has no figures.
  return files.map((file) => (file.verdict === 'errored' ? { ...file, rows: null, accepted: null, quarantined: null, duplicate: null, sha256: null } : file));
}

function makeChecks(d, count, runs, worst) {
  const last = Math.min(30, runs.id.length), first = runs.id.length - last, checks = [];
  for (let i = 0; i < count; i++) {
    const [source, id, rule, column, dimension] = RULES[i % RULES.length], evaluated = SOURCES[source].rows;
    const bad = worst !== 'passed' && (i % 4 === 2 || i % 9 === 0), failed = bad ? Math.round(evaluated * 0.00035 * (1 + 40 * d.next() ** 6)) + 1 : 0;
    const severity = i % 13 === 5 ? 'warn' : i % 17 === 3 ? 'info' : i % 19 === 18 ? 'critical' : 'error', type = SOURCES[source].columns.find(([name]) => name === column)?.[1] ?? 'string';
    const personal = column === 'email';
    checks.push({ id: i < RULES.length ? id : `${id}_${i}`, source, rule, column, dimension, severity, action: severity === 'critical' ? 'reject_file' : severity === 'error' ? 'quarantine' : 'keep', status: !failed ? 'passed' : severity === 'info' ? 'noted' : severity === 'critical' ? 'failed' : 'warned', max_failed_share: i % 3 === 0 ? 0.01 : null, evaluated, failed,
      samples: failed ? range(3, (k) => ({ file: `${source}_20250818_${k}.csv`, line: d.int(2, 90000), value: column === null ? '' : personal ? '(17 characters, not shown)' : EXAMPLE[type.replace(/\(.*/, '')] ?? 'x' })) : [],
      history: { run: range(last, (k) => first + k), failed: range(last, (k) => (k === last - 1 ? failed : bad && i % 5 !== 2 ? Math.round(failed * (0.4 + d.next())) : 0)), evaluated: range(last, (k) => (k === last - 1 ? evaluated : Math.round(evaluated * (0.9 + 0.2 * d.next())))) },
      change: runs.id.length < 2 ? null : bad && i % 5 === 2 ? 'new' : !bad && i % 14 === 6 ? 'fixed' : null });
  }
  return checks.sort((a, b) => Number(b.failed > 0) - Number(a.failed > 0));
}

const TOP = { method: ['GET', 'POST', 'PUT'], category: ['Electronics', 'Home', 'Fashion', 'Books'], device_type: ['mobile', 'desktop', 'tablet'], gender: ['F', 'M', 'O'], country: ['FR', 'DE', 'ES', 'IT'], country_code: ['FR', 'DE', 'US'], status: ['completed', 'pending', 'cancelled'], payment_method: ['card', 'paypal', 'transfer'], stock_status: ['high', 'medium', 'low'], customer_type: ['returning', 'new', 'premium'], traffic_source: ['direct', 'ads', 'social'] };

function makeColumns(d, runs) {
  const last = runs.id.length < 2 ? 1 : Math.min(90, runs.id.length), first = runs.id.length - last, columns = [];
  for (const [source, def] of Object.entries(SOURCES)) {
    for (const [name, type, derived] of [...def.columns, ...(source === 'sessions' ? [['utm_campaign', 'string']] : [])]) {
      const rate = name === 'referrer' ? 0.21 : name.endsWith('_id') ? 0 : 0.012 * d.next(), nulls = Math.round(def.rows * rate), numeric = /integer|float|decimal/.test(type);
      columns.push({ source, name, type, declared: name !== 'utm_campaign', derived: Boolean(derived), values: def.rows - nulls, nulls, distinct: type === 'boolean' ? 2 : Math.round(def.rows * (name.endsWith('_id') ? 0.98 : 0.01 + 0.1 * d.next())), min: numeric ? round(d.next() * 4) : type === 'datetime' ? '2025-07-18T00:00:03Z' : null, max: numeric ? round(900 + 9000 * d.next()) : type === 'datetime' ? '2025-08-17T23:59:58Z' : null, mean: numeric ? round(120 + 300 * d.next()) : null,
        top: (TOP[name] ?? []).map((value, i) => ({ value, count: Math.round(def.rows * 0.4 / (i + 1)) })), null_history: { run: range(last, (k) => first + k), share: range(last, () => round(rate * (0.8 + 0.4 * d.next()), 5)) }, drift: name === 'utm_campaign' ? ['new column, text, since 18 August'] : name === 'rating' ? ['integer became float'] : [] });
    }
  }
  return columns;
}

function makeQuarantine(d, checks, runs) {
  const reasons = [];
  for (const source of Object.keys(SOURCES)) reasons.push({ source, code: 'type-error', rows: d.int(90, 4000) }, { source, code: 'duplicate-key', rows: d.int(20, 900) });
  reasons.push({ source: 'sessions', code: 'missing-cell', rows: 311 }, { source: 'api_logs', code: 'parse-error', rows: 1290 }, { source: 'users', code: 'encoding-error', rows: 44 });
  for (const check of checks.filter((one) => one.failed && one.action === 'quarantine').slice(0, 12)) reasons.push({ source: check.source, code: `rule:${check.id}`, rows: check.failed });
  reasons.sort((a, b) => b.rows - a.rows);
  const rows = range(60, (i) => {
    const source = d.pick(Object.keys(SOURCES)), columns = SOURCES[source].columns.filter(([, , derived]) => !derived), bad = d.pick(columns.filter(([, type]) => type !== 'string')), value = EXAMPLE[bad[1].replace(/\(.*/, '')];
    const cells = columns.map(([column, type]) => ({ column, value: column === bad[0] ? value : ['email', 'first_name', 'ip_address'].includes(column) ? '(11 characters, not shown)' : d.next() < 0.05 ? null : type === 'integer' ? String(d.int(1, 90)) : type.startsWith('decimal') || type === 'float' ? String(round(d.next() * 200)) : type === 'datetime' ? '2025-08-17T10:21:00Z' : type === 'boolean' ? 'true' : `${column.slice(0, 4)}-${d.int(1000, 9999)}`, bad: column === bad[0] }));
    return { source, file: `${source}_20250818_${i % 4}.csv`, line: source === 'api_logs' && i % 3 === 0 ? null : d.int(2, 90000), offset: d.int(100, 9000000), reasons: [{ code: 'type-error', column: bad[0], value }], cells: i % 9 === 4 ? [] : cells, raw: source === 'users' ? null : cells.map((cell) => cell.value ?? '').join(',') };
  });
  return { reasons, trend: { run: runs.id.map((_, i) => i), rows: runs.quarantined }, rows, folder: 'quarantine' };
}

function makeBusiness(d, checks) {
  const days = range(90, (i) => day(END - (90 - i) * DAY)), wave = (i, base) => Math.round(base * (1 + 0.18 * Math.sin((i * 2 * Math.PI) / 7) + 0.1 * d.next()));
  const sales = { day: days, orders: days.map((_, i) => wave(i, 10200)), units: [], revenue: [] };
  sales.units = sales.orders.map((x) => Math.round(x * 2.3));
  sales.revenue = sales.orders.map((x) => round(x * (58 + 6 * d.next())));
  const sessions = days.map((_, i) => wave(i, 24100)), viewed = sessions.map((x) => Math.round(x * 0.71)), carted = sessions.map((x) => Math.round(x * 0.24)), converted = sessions.map((x) => Math.round(x * (0.05 + 0.01 * d.next())));
  const requests = days.map((_, i) => wave(i, 93000)), api = { day: days, requests, errors_4xx: requests.map((x) => Math.round(x * 0.031)), errors_5xx: requests.map((x, i) => Math.round(x * (i === 71 ? 0.03 : 0.004))), cache_hits: requests.map((x) => Math.round(x * (0.6 + 0.05 * d.next()))) };
  const touching = (...sources) => checks.map((check, i) => (check.failed && sources.includes(check.source) ? i : -1)).filter((i) => i >= 0).slice(0, 40);
  const strip = (name, series, touched) => ({ name, day: days[89], value: series[89], before: series[88], series: series.slice(-30), touched });
  const types = ['premium', 'returning', 'new'], countries = ['FR', 'DE', 'ES', 'IT', 'BE', 'NL', 'PT', 'US'], categories = ['Electronics', 'Home', 'Fashion', 'Books', 'Toys', 'Sport'], apis = ['checkout', 'cart', 'catalog', 'auth', 'product', 'other'];
  return {
    strip: [strip('revenue', sales.revenue, touching('sales')), strip('orders', sales.orders, touching('sales')), strip('average_order', sales.revenue.map((x, i) => round(x / sales.orders[i])), touching('sales')), strip('conversion', converted.map((x, i) => round((100 * x) / sessions[i], 4)), touching('sessions')), strip('abandonment', carted.map((x, i) => round((100 * (x - converted[i])) / x, 4)), []), strip('p95_latency', days.map(() => Math.round(780 + 90 * d.next())), touching('api_logs'))],
    sales, sales_by_category: { category: categories, orders: categories.map(() => d.int(9e4, 2e5)), units: categories.map(() => d.int(2e5, 4e5)), revenue: categories.map(() => d.int(4e6, 14e6)), margin: categories.map(() => d.int(1e6, 4e6)) },
    funnel: { sessions: total(sessions), viewed: total(viewed), carted: total(carted), converted: total(converted) }, funnel_daily: { day: days, sessions, viewed, carted, converted },
    by_device: { name: ['mobile', 'desktop', 'tablet', 'unknown'], sessions: [1210000, 690000, 150000, 22000], conversion: [4.1, 7.8, 5.2, null], bounce: [43, 31, 37, 50], abandonment: [79, 66, 74, null] },
    by_source: { name: ['direct', 'ads', 'social', 'other', 'unknown'], sessions: [720000, 510000, 340000, 130000, 372000], conversion: [7.1, 4.9, 3.2, 5, 4.7], bounce: [29, 44, 52, 41, 40], abandonment: [68, 75, 81, 74, 75] },
    hours: { weekday: range(168, (i) => 1 + Math.floor(i / 24)), hour: range(168, (i) => i % 24), sessions: range(168, (i) => Math.round(4000 + 9000 * Math.max(0, Math.sin(((i % 24) - 7) / 5)) * (i >= 120 ? 1.25 : 1) + 900 * d.next())), converted: range(168, (i) => Math.round(200 + 500 * Math.max(0, Math.sin(((i % 24) - 7) / 5)))) },
    customers: { type: types.flatMap((type) => countries.map(() => type)), country: types.flatMap(() => countries), users: types.flatMap((_, i) => countries.map((_c, k) => Math.round((24000 * (i + 1)) / (k + 1.4)))), loyalty: types.flatMap((_, i) => countries.map(() => (i === 2 ? round(4 + d.next()) : round(40 - 14 * i + 6 * d.next())))) },
    products: { category: categories, products: categories.map(() => 2000), stock_outs: categories.map(() => d.int(4, 60)), low: categories.map(() => d.int(100, 260)), medium: categories.map(() => d.int(600, 800)), high: categories.map(() => d.int(900, 1100)), margin_pct: categories.map((_, i) => (i === 5 ? null : round(22 + 20 * d.next()))), negative_margins: categories.map(() => d.int(0, 9)) },
    api_daily: api, api_day: days[89], api_by_category: { category: apis, requests: apis.map(() => d.int(6e5, 2e6)), p50: apis.map(() => d.int(60, 140)), p95: apis.map(() => d.int(500, 1000)), p99: apis.map((_, i) => (i === 5 ? null : d.int(1200, 2600))), cache_hits: apis.map(() => d.int(2e5, 5e5)), errors_4xx: apis.map(() => d.int(9e3, 4e4)), errors_5xx: apis.map(() => d.int(800, 6000)) },
    window: { from: days[0], to: days[89] }, reasons: {},
  };
}

function makeLineage(files) {
  const nodes = [], edges = [], at = new Map();
  const node = (id, kind, rows, version = null) => (at.has(id) || (at.set(id, nodes.length), nodes.push({ id, kind, rows, version })), at.get(id));
  for (const file of files) edges.push([node(file.member ? `${file.path}/${file.member}` : file.path, 'file', file.accepted), node(file.source, 'table', SOURCES[file.source].rows, 12)]);
  const models = { api_logs_kpi: ['api_logs'], sessions_kpi: ['sessions'], products_kpi: ['products'], users_kpi: ['users'], sales_kpi: ['sales', 'products'], funnel_daily: ['sessions'], combined_sessions: ['sessions', 'users', 'api_logs'] };
  for (const [name, inputs] of Object.entries(models)) for (const input of inputs) if (at.has(input)) edges.push([at.get(input), node(name, 'model', 30 + name.length * 100, 12)]);
  return { nodes, edges };
}

function facts(seed, o) {
  const d = dice(seed), runs = history(d, o.runs, 99.4), files = makeFiles(d, o.files, o.verdict), checks = makeChecks(d, o.checks, runs, o.verdict), now = runs.id.length - 1;
  const by = (name) => files.filter((file) => file.verdict === name).length, sum = (key) => total(files.map((file) => file[key]));
  const by_verdict = { passed: by('passed'), warned: by('warned'), failed: by('failed'), errored: by('errored'), skipped: by('skipped') };
  const read = sum('rows'), quarantined = sum('quarantined'), duplicate = sum('duplicate'), accepted = sum('accepted');
  Object.assign(runs, {}); // this run's own figures stand last in the history
  for (const [key, value] of Object.entries({ read, accepted, quarantined, duplicate, files: files.length, passed: by_verdict.passed, verdict: o.verdict, score: 98.63, seconds: 4.46, rows_per_second: Math.round(read / 4.46), money_affected: o.verdict === 'passed' ? 0 : 18422.5 })) runs[key][now] = value;
  const sources = Object.entries(SOURCES).map(([name, def]) => {
    const own = files.filter((file) => file.source === name), add = (key) => total(own.map((file) => file[key])), mean = (key) => { const known = own.map((file) => file.scores[key]).filter((x) => x !== null); return known.length ? round(total(known) / known.length) : null; };
    const arrival = { day: [], files: [], rows: [], worst: [] };
    for (let i = Math.min(365, o.runs * 3); i >= 0; i--) if (d.next() < 0.82) { arrival.day.push(day(END - i * DAY)); arrival.files.push(d.int(1, 24)); arrival.rows.push(Math.round(def.rows * (0.8 + 0.4 * d.next()))); arrival.worst.push(d.next() < 0.04 ? 'failed' : d.next() < 0.12 ? 'warned' : d.next() < 0.01 ? 'errored' : 'passed'); }
    const past = Math.min(o.runs, 200), first = o.runs - past;
    return { name, schema: def.schema, load: def.load, verdict: ['errored', 'failed', 'warned', 'passed'].find((verdict) => own.some((file) => file.verdict === verdict)) ?? 'skipped', files: own.length, read: add('rows'), accepted: add('accepted'), quarantined: add('quarantined'), duplicate: add('duplicate'),
      scores: { ...Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, name === 'sales' && dimension === 'timeliness' ? 88.1 : mean(dimension)])), overall: mean('overall') }, threshold: name === 'api_logs' ? 97 : 95,
      history: { run: range(past, (i) => first + i), read: range(past, () => def.rows), quarantined: range(past, () => d.int(10, 900)), score: range(past, (i) => round({ api_logs: 99.2, sessions: 98.6, products: 97.1, users: 99.6, sales: 98.1 }[name] + 0.2 * Math.sin((i + name.length) / 6) + 0.12 * d.next() - (i === past - 9 && name === 'sales' ? 2.4 : 0))) }, arrival };
  });
  const failing = checks.filter((check) => check.failed);
  return {
    v: 1, program: '0.1.0', project: 'shop', language: 'auto', generated: iso(END + 9000), currency: 'EUR',
    run: { id: runs.id[now], seq: o.runs, verdict: o.verdict, started: iso(END - 5000), finished: iso(END), seconds: 4.46, as_of: day(END), workers: 2, cpus: 2, files: files.length, by_verdict, bytes: sum('bytes'), bytes_decoded: sum('bytes') * 4, read, accepted, quarantined, duplicate, score: 98.63, rows_per_second: Math.round(read / 4.46), data_through: iso(END - DAY * 0.56), money_affected: runs.money_affected[now], peak_memory_bytes: 655e6, cpu_seconds: 8.02,
      stages: [['plan', 0, 0.11], ['read', 0.11, 2.6], ['dedupe', 2.71, 0.31], ['models', 3.02, 0.72], ['commit', 3.74, 0.2], ['export', 3.94, 0.24], ['reports', 4.18, 0.1], ['archive', 4.28, 0.18]].map(([name, start, seconds]) => ({ name, start, seconds, cpu_seconds: round(seconds * 1.7) })),
      changes: o.runs < 2 ? [] : [{ kind: 'score', source: null, name: null, before: 99.1, after: 98.63, good: false }, { kind: 'rows', source: 'api_logs', name: null, before: 2711044, after: sources[0].read, good: null }, ...failing.filter((check) => check.change === 'new').slice(0, 3).map((check) => ({ kind: 'new_check', source: check.source, name: check.id, before: 0, after: check.failed, good: false })), ...checks.filter((check) => check.change === 'fixed').slice(0, 2).map((check) => ({ kind: 'fixed_check', source: check.source, name: check.id, before: 120, after: 0, good: true })), { kind: 'schema', source: 'sessions', name: 'utm_campaign', before: null, after: 'string', good: null }, { kind: 'new_file', source: 'products', name: null, before: 0, after: 7, good: null }] },
    runs, sources, files: files.slice(0, 1000), files_cut: Math.max(0, o.files - 1000), checks, checks_cut: o.checks >= 3000 ? 12 : 0, columns: makeColumns(d, runs), quarantine: makeQuarantine(d, checks, runs),
    issues: [...files.filter((file) => file.verdict === 'errored' || file.verdict === 'failed').map((file) => ({ severity: 'critical', source: file.source, file: file.label, check: null, column: null, kind: file.verdict, rows: file.verdict === 'errored' ? null : file.quarantined, share: file.verdict === 'errored' ? null : round(file.quarantined / Math.max(1, file.rows), 4), text: `${file.label}: ${file.errors[0]}`, fr: `${file.label} : ${file.verdict === 'errored' ? 'le flux gzip finit trop tôt, transfert interrompu' : 'complétude 93,2, sous le seuil de 95'}`, first_seen: iso(END), example: null })),
      ...failing.slice(0, 8).map((check) => ({ severity: check.severity, source: check.source, file: null, check: check.id, column: check.column, kind: 'check', rows: check.failed, share: round(check.failed / check.evaluated, 6), text: `${check.failed} rows of ${check.source} fail ${check.id}`, fr: `${check.failed} lignes de ${check.source} échouent à ${check.id}`, first_seen: iso(END - 3 * DAY), example: check.samples[0] ? { line: check.samples[0].line, value: check.samples[0].value } : null }))].slice(0, 10),
    anomalies: o.runs < 8 ? sources.map((source) => ({ source: source.name, column: null, measure: 'volume', severity: 'warn', status: 'cold', value: source.read, median: null, mad: null, score: null, runs: o.runs - 1, needed: 7 })) : [...sources.map((source, i) => ({ source: source.name, column: null, measure: 'volume', severity: 'warn', status: i === 3 ? 'anomalous' : 'ok', value: source.read, median: Math.round(source.read * (i === 3 ? 1.8 : 1)), mad: 900, score: i === 3 ? 9.1 : 0.4, runs: 30, needed: 7 })), { source: 'sessions', column: 'utm_campaign', measure: 'null_rate', severity: 'warn', status: 'cold', value: 0.4, median: null, mad: null, score: null, runs: 1, needed: 7 }],
    business: makeBusiness(d, checks), lineage: makeLineage(files), archives: [{ path: 'data/archive/archive_20250818_1334.tar.gz', files: 1312, bytes: 911e6, bytes_stored: 288e6, verified: true }],
    alerts: [{ at: iso(END + 1000), type: 'file', target: 'data/quality/quality_alert.txt', status: 'sent', message: null }, { at: iso(END + 1500), type: 'smtp', target: 'data-team@shop.example', status: 'pending', message: 'connection refused; next try in 60 s' }],
  };
}

function nothing() {
  const part = { strip: [], sales: null, sales_by_category: null, funnel: null, funnel_daily: null, by_device: null, by_source: null, hours: null, customers: null, products: null, api_daily: null, api_day: null, api_by_category: null, window: null };
  const runs = history(dice(1), 1, 99);
  for (const key of Object.keys(runs)) if (key !== 'total') runs[key] = [{ id: '20250818T133405Z-0001', started: iso(END), verdict: 'skipped' }[key] ?? (['files', 'passed', 'read', 'accepted', 'quarantined', 'duplicate'].includes(key) ? 0 : null)];
  return {
    v: 1, program: '0.1.0', project: 'shop', language: 'auto', generated: iso(END), currency: null,
    run: { id: '20250818T133405Z-0001', seq: 1, verdict: 'skipped', started: iso(END), finished: iso(END), seconds: 0.1, as_of: day(END), workers: 1, cpus: 2, files: 0, by_verdict: { passed: 0, warned: 0, failed: 0, errored: 0, skipped: 0 }, bytes: 0, bytes_decoded: 0, read: 0, accepted: 0, quarantined: 0, duplicate: 0, score: null, rows_per_second: null, data_through: null, money_affected: null, peak_memory_bytes: null, cpu_seconds: null, stages: [], changes: [] },
    runs, sources: [], files: [], files_cut: 0, checks: [], checks_cut: 0, columns: [], quarantine: { reasons: [], trend: { run: [0], rows: [0] }, rows: [], folder: 'quarantine' }, issues: [], anomalies: [],
    business: { ...part, reasons: { sales: 'no table sales_kpi' } }, lineage: { nodes: [], edges: [] }, archives: [], alerts: [],
  };
}

/* Texts that would be markup, scripts, styles, addresses, templates, or turn what stands around them. */
const ATTACKS = ['<script>window.pwned=1</script>', '</script><script>window.pwned=1</script>', '<img src=x onerror="window.pwned=1">', '"><svg onload=window.pwned=1>', "javascript:window.pwned=1//", '<!--<script>', ']]><b>x</b>', '{{constructor.constructor("window.pwned=1")()}}', '${window.pwned=1}', '<style>*{display:none}</style>', '<a href="javascript:window.pwned=1">x</a>', '<iframe src=//example.invalid></iframe>', '\u202Efdp.exe', 'a\u0000b\u0007\u001b[31m', '\u2028\u2029', '<link rel=stylesheet href=//example.invalid>', '<base href=//example.invalid/>', '{a|b}{value}', "' or 1=1 --", '<meta http-equiv=refresh content="0;url=//example.invalid">', '&lt;b&gt;&amp;', '__proto__', 'constructor', '\ud83d\udca9\u200d\ufeff', '<math><mi//xlink:href="data:x,<script>window.pwned=1</script>">'];
const FREE = new Set(['project', 'id', 'name', 'label', 'path', 'member', 'value', 'text', 'fr', 'file', 'raw', 'column', 'code', 'target', 'message', 'rule', 'action', 'type', 'report', 'sha256', 'arithmetic', 'program', 'schema', 'load', 'folder', 'category', 'country', 'source', 'check', 'min', 'max']);
const LISTS = new Set(['errors', 'missing', 'undeclared', 'drift', 'name', 'category', 'country', 'type']);

function poison(value, key, count, path) {
  const put = (text) => `${ATTACKS[count.n % ATTACKS.length]} #${++count.n} ${text}`;
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? (LISTS.has(key) ? put(one) : one) : poison(one, key, count, path)));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, one]) => {
    if (typeof one === 'string' && FREE.has(name) && !(name === 'name' && path === 'strip')) {
      // Names that tie parts together stay the same text wherever they stand.
      const same = ['source', 'check', 'column'].includes(name) || ((name === 'name' || name === 'id') && path !== 'nodes');
      const known = same && count.names.get(one);
      const text = known || put(one);
      if (same) count.names.set(one, text);
      return [name, text];
    }
    return [name, poison(one, name, count, name === 'strip' || name === 'nodes' ? name : path)];
  }));
  return value;
}

/* As src/base/json.c escapes it. */
export const escaped = (value) => JSON.stringify(value).replace(/[<>&\u2028\u2029\u0000-\u001f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

export function samples() {
  const small = (verdict) => facts(7, { runs: 41, files: 47, checks: RULES.length, verdict });
  const count = { n: 0, names: new Map() };
  return { small: small('failed'), passed: small('passed'), warned: small('warned'), errored: small('errored'), empty: nothing(), large: facts(11, { runs: 1200, files: 1000, checks: 3000, verdict: 'failed' }), hostile: poison(small('failed'), '', count, '') };
}

const PAGE_BYTES = 2000000; // EC_PAGE_BYTES

/* As src/publish/page_file.c puts it together. */
export function page(template, value) {
  const facts = escaped(value), alerts = escaped({ at: iso(END + 3000), list: value.alerts });
  const large = Buffer.byteLength(template) + Buffer.byteLength(facts) + alerts.length + 256 > PAGE_BYTES;
  const element = large ? `<script type="text/plain" id="facts" data-packed="deflate">${deflateSync(facts, { level: 1 }).toString('base64')}</script>` : `<script type="application/json" id="facts">${facts}</script>`;
  return template.replace('<!--facts-->', () => `${element}<script type="application/json" id="alerts">${alerts}</script>`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url)), folder = process.argv[2] ?? `${root}samples`, built = process.env.ECLUSE_PAGE ?? `${root}dist/page.html`;
  mkdirSync(folder, { recursive: true });
  const template = existsSync(built) ? readFileSync(built, 'utf8') : null;
  for (const [name, value] of Object.entries(samples())) {
    writeFileSync(`${folder}/${name}.json`, escaped(value));
    if (template) writeFileSync(`${folder}/${name}.html`, page(template, value));
  }
}
