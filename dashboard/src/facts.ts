/* What the binary puts into the page: one JSON object in <script type="application/json" id="facts">.
 *
 * src/publish/page_data.h writes it and documents the same; tests/browser/ checks both against each
 * other. Everything is aggregated in C: the page filters, sorts and draws, and computes no figure of
 * its own but sums of what it shows. Unknown is null, never 0. Times are RFC 3339 in UTC, days are
 * "2025-07-18", durations seconds, scores and shares 0..100 unless a name says `share` (0..1).
 * Facts that would make the page larger than 2 MB stand there as zlib in base64, type="text/plain" data-packed="deflate".
 * Texts are whatever was in the files: hostile until set as text nodes. Samples of personal data are
 * masked before they come here.
 *
 * Series are columns, not rows (`Columns<T>`): {a: [..], b: [..]} of one length, oldest first.
 */
export type Verdict = 'passed' | 'warned' | 'failed' | 'errored' | 'skipped';
export type Severity = 'info' | 'warn' | 'error' | 'critical';
export type Dimension = 'completeness' | 'validity' | 'uniqueness' | 'consistency' | 'timeliness';
type N = number | null;

export interface Facts {
  v: 1;
  program: string; // "0.1.0"
  project: string; // name of the project's folder
  language: 'auto' | 'en' | 'fr'; // what the run's locale says; auto: the browser's
  generated: string;
  currency: string | null; // of the configuration, "EUR"; null: figures without a sign
  run: Run;
  runs: Runs; // the last runs, this one last; at most 1,200
  sources: Source[];
  files: File[]; // worst first; at most 1,000
  files_cut: number; // how many more there were
  checks: Check[]; // at most 3,000, failed first
  checks_cut: number;
  columns: Column[];
  quarantine: Quarantine;
  issues: Issue[]; // at most 10, the most important first
  anomalies: Anomaly[];
  business: Business;
  lineage: Lineage;
  archives: { path: string; files: number; bytes: number; bytes_stored: number; verified: boolean }[];
  alerts: Alert[]; // the newest deliveries of any run, with their state when the page was drawn
  alerts_at?: string | null; // where one waits, when that was looked at: of the element `alerts`, {"at":…,"list":[…]}, which is put into the page again when they have been delivered
}
export interface Alert { at: string; type: string; target: string; status: 'sent' | 'pending' | 'failed' | 'suppressed'; message: string | null }

export interface Run {
  id: string; seq: number; verdict: Verdict;
  started: string; finished: string; seconds: number; as_of: string;
  workers: number; cpus: number;
  files: number; by_verdict: Record<Verdict, number>;
  bytes: number; bytes_decoded: number;
  read: number; accepted: number; quarantined: number; duplicate: number;
  score: N; rows_per_second: N;
  data_through: string | null; // newest row that was read
  money_affected: N; // sum of the money columns of quarantined rows, where there are such
  peak_memory_bytes: N; cpu_seconds: N; // memory: of the largest process, the driver or a worker; both null after a crash
  stages: { name: string; start: number; seconds: number; cpu_seconds: N }[]; // start: since the run's
  changes: Change[]; // since the run before; at most 50
}
/* What changed since the last run; the page makes the sentence. `kind` "score" | "rows" | "new_check"
 * | "fixed_check" | "new_file" | "missing_file" | "schema" | "anomaly". */
export interface Change { kind: string; source: string | null; name: string | null; before: number | string | null; after: number | string | null; good: boolean | null;
  since?: string | null } // the start of the run that it is compared with, where that is not the run before: the newest that read the source
/* new_file, missing_file: a source that had none, or has none now; before and after are numbers of files, name is null.
 * schema: name is the column, before null: it is new, after null: it is gone. anomaly: name is the column or the measure. */

export interface Runs { // Columns, one place per run
  id: string[]; started: string[]; verdict: Verdict[]; seconds: N[]; score: N[];
  files: number[]; passed: number[]; read: number[]; accepted: number[]; quarantined: number[]; duplicate: number[];
  money_affected: N[]; peak_memory_bytes: N[]; rows_per_second: N[]; cpu_seconds: N[];
  total: number; // runs in the history, of which these are the last
}

export interface Source { // every configured source, also one without a file in this run: files 0, verdict "skipped", scores null
  name: string; schema: string; load: string; verdict: Verdict;
  files: number; read: number; accepted: number; quarantined: number; duplicate: number;
  scores: Record<Dimension | 'overall', N>; threshold: N;
  history: { run: number[]; read: number[]; quarantined: number[]; score: N[] }; // run: place in Runs
  arrival: { day: string[]; files: number[]; rows: number[]; worst: Verdict[] }; // calendar, last 366 days
}

export interface File {
  label: string; source: string; path: string; member: string | null;
  verdict: Verdict; rows: N; accepted: N; quarantined: N; duplicate: N; // null where it could not be read
  completeness: N; threshold: N; scores: Record<Dimension | 'overall', N>;
  bytes: number; sha256: string | null; seconds: number; validated_at: string;
  errors: string[]; arithmetic: string | null;
  missing: string[]; undeclared: string[]; drift: string[];
  report: string; // "validation_report_<file>.json", beside the page
}

export interface Check { // of a source: its files summed
  id: string; source: string; rule: string; column: string | null; dimension: Dimension; severity: Severity; action: string;
  status: 'passed' | 'noted' | 'warned' | 'failed' | 'skipped';
  max_failed_share: N; evaluated: number; failed: number;
  samples: { file: string; line: number; value: string }[];
  history: { run: number[]; failed: number[]; evaluated: number[] }; // last 30 runs of its source
  change: 'new' | 'fixed' | null; // against the run before
}

export interface Column { // of a source: its files merged
  source: string; name: string; type: string; declared: boolean; derived: boolean;
  values: number; nulls: number; distinct: N; // distinct is estimated
  min: string | number | null; max: string | number | null; mean: N;
  top: { value: string; count: number }[]; // [] where unknown or personal
  null_history: { run: number[]; share: number[] };
  drift: string[];
}

export interface Quarantine {
  reasons: { source: string; code: string; rows: number }[]; // "type-error", "rule:max_value"; most first
  trend: { run: number[]; rows: number[] };
  rows: QuarantineRow[]; // samples, at most 200
  folder: string; // "quarantine", beside the page
}
export interface QuarantineRow {
  source: string; file: string; line: N; offset: number;
  reasons: { code: string; column: string | null; value: string | null }[];
  cells: { column: string; value: string | null; bad: boolean }[]; // as far as the record could be told apart
  raw: string | null; // its text, cut at 500 characters; null: not UTF-8 or personal
}

export interface Issue {
  severity: Severity; source: string; file: string | null; check: string | null; column: string | null;
  kind: 'errored' | 'failed' | 'check' | 'anomaly' | 'schema';
  rows: N; share: N; text: string; // an English sentence; `fr` the French one
  fr: string; first_seen: string | null; example: { line: number; value: string } | null;
}
/* By median and MAD over past runs; the run itself is never in its baseline. Volume and score of every source of the
 * run; null rates only where they are anomalous. A null rate is a share 0..1. */
export interface Anomaly {
  source: string; column: string | null; measure: 'volume' | 'null_rate' | 'score';
  status: 'ok' | 'anomalous' | 'cold'; severity: Severity; // cold: fewer than `needed` past runs
  value: N; median: N; mad: N; score: N /* distance from the median, in deviations */; runs: number; needed: number;
}

/* Each part is null where its table is not there; `reasons` then says why, by the part's name.
 * `touched`: places in `checks` that failed and concern the sources below that figure. */
export interface Business {
  strip: { name: 'revenue' | 'orders' | 'average_order' | 'conversion' | 'abandonment' | 'p95_latency';
           day: string | null; value: N; before: N; series: N[]; touched: number[] }[]; // newest complete day, the day before, 30 days
  sales: { day: string[]; orders: number[]; units: number[]; revenue: number[] } | null;
  sales_by_category: { category: string[]; orders: number[]; units: number[]; revenue: number[]; margin: number[] } | null;
  funnel: { sessions: number; viewed: number; carted: number; converted: number } | null;
  funnel_daily: { day: string[]; sessions: number[]; viewed: number[]; carted: number[]; converted: number[] } | null;
  by_device: Segment | null; by_source: Segment | null;
  hours: { weekday: number[]; hour: number[]; sessions: number[]; converted: number[] } | null; // weekday 1 = Monday, UTC
  customers: { type: string[]; country: string[]; users: number[]; loyalty: N[] } | null;
  products: { category: string[]; products: number[]; stock_outs: number[]; low: number[]; medium: number[]; high: number[]; margin_pct: N[]; negative_margins: number[] } | null;
  api_daily: { day: string[]; requests: number[]; errors_4xx: number[]; errors_5xx: number[]; cache_hits: number[] } | null;
  /* of the one day `api_day`: quantiles of several days cannot be had from those of each */
  api_day: string | null;
  api_by_category: { category: string[]; requests: number[]; p50: N[]; p95: N[]; p99: N[]; cache_hits: number[]; errors_4xx: number[]; errors_5xx: number[] } | null;
  window: { from: string; to: string } | null; // the days that all this covers
  reasons: Record<string, string>;
}
export interface Segment { name: string[]; sessions: number[]; conversion: N[]; bounce: N[]; abandonment: N[] }

export interface Lineage { // a graph: file -> source's table -> model
  nodes: { id: string; kind: 'file' | 'table' | 'model'; rows: N; version: N }[]; // rows that this run added, and the version it made; null: none; at most 500 nodes, 250 of them files
  edges: [number, number][];
}
