/* Five seconds: can today's data be trusted, what to do next, what did the business do. */
import type { Business, Change, Issue, Verdict } from '../facts';
import { DIMENSIONS, facts } from '../data';
import { bdi, h, visible, type Child } from '../dom';
import * as f from '../format';
import { language, t, word, type Key } from '../i18n';
import { badge, card, disclosure, empty, factsList, icon, sparkline, tone, unknown } from '../parts';
import { hashOf } from '../state';

function nextSteps(): Child[] {
  const run = facts.run, steps: Child[] = [];
  const count = (verdict: Verdict) => run.by_verdict[verdict] ?? 0;
  const link = (hash: string, text: string) => h('li', null, h('a', { href: hash }, text));
  if (count('errored')) steps.push(link(hashOf('files', { verdict: 'errored' }), t('next.errored', { n: count('errored'), n_text: f.int(count('errored')) })));
  if (count('failed')) steps.push(link(hashOf('files', { verdict: 'failed' }), t('next.failed', { n: count('failed'), n_text: f.int(count('failed')) })));
  const fresh = facts.checks.filter((check) => check.change === 'new').length;
  if (fresh) steps.push(link(hashOf('rules', { change: 'new' }), t('next.new', { n: fresh, n_text: f.int(fresh) })));
  if (run.quarantined > 0) steps.push(link(hashOf('quarantine'), t('next.quarantine', { n: run.quarantined, n_text: f.int(run.quarantined) })));
  const odd = facts.anomalies.filter((one) => one.status === 'anomalous').length;
  if (odd) steps.push(link('#anomalies', t('next.anomaly', { n: odd, n_text: f.int(odd) })));
  if (!steps.length) steps.push(h('li', null, run.files ? t('next.none') : t('next.no_files')));
  return steps.slice(0, 4);
}

function hero(): HTMLElement {
  const run = facts.run;
  const counts = (['errored', 'failed', 'warned', 'passed', 'skipped'] as Verdict[]).filter((verdict) => run.by_verdict[verdict] > 0)
    .map((verdict) => h('li', null, h('a', { href: hashOf('files', { verdict }) }, icon(verdict, 12), t(`count.${verdict}`, { n: run.by_verdict[verdict], n_text: f.int(run.by_verdict[verdict]) }))));
  return h('section', { class: `card hero ${tone(run.verdict)}`, 'aria-labelledby': 'verdict' },
    h('div', { class: 'mark' }, icon(run.verdict, 72)),
    h('div', { class: 'say' },
      h('p', { class: 'verdict', id: 'verdict', 'data-verdict': run.verdict }, t(`verdict.${run.verdict}`)),
      h('p', { class: 'lead' }, run.files ? t(`lead.${run.verdict}`) : t('lead.no_files')),
      counts.length ? h('ul', { class: 'counts' }, counts) : null,
      h('h3', { class: 'over' }, t('next.title')), h('ul', { class: 'steps' }, nextSteps())),
    factsList([
      [t('run.id'), h('span', { class: 'code', 'data-fact': 'run.id' }, bdi(run.id))],
      [t('run.data_through'), run.data_through ? h('time', { datetime: run.data_through }, f.time(run.data_through)) : unknown()],
      [t('run.started'), h('time', { datetime: run.started }, f.time(run.started))],
      [t('run.took'), h('span', { 'data-fact': 'run.seconds' }, f.seconds(run.seconds))],
      [t('run.rate'), run.rows_per_second === null ? unknown() : f.rate(run.rows_per_second)],
      [t('run.as_of'), f.day(run.as_of)],
    ]));
}

function changeText(change: Change): Child {
  const value = (x: number | string | null, how: (n: number) => string) => (typeof x === 'number' ? how(x) : x === null ? t('unknown.short') : visible(x));
  const figures = (how: (n: number) => string) => ({ before: value(change.before, how), after: value(change.after, how) });
  const where = change.source === null ? t('change.run') : visible(change.source), name = visible(change.name ?? '');
  const known: Record<string, Record<string, string>> = {
    score: figures(f.score), rows: figures((x) => f.int(x)), new_check: figures((x) => f.int(x)), fixed_check: figures((x) => f.int(x)), new_file: figures((x) => f.int(x)), missing_file: figures((x) => f.int(x)),
    schema: figures(String), anomaly: figures((x) => f.num(x)),
  };
  const kind = change.kind === 'schema' && change.before === null ? 'schema_new' : change.kind === 'schema' && change.after === null ? 'schema_gone' : change.kind;
  const key = (change.kind in known ? `change.${kind}` : 'change.other') as Key;
  return t(key, { where, name: change.kind === 'anomaly' ? word('measure', name) : name, ...(known[change.kind] ?? figures((x) => f.num(x))) });
}

function changes(): HTMLElement {
  const runs = facts.runs.total;
  if (runs < 2) return card(t('change.title'), empty(t('unknown.runs', { n: 2 })));
  if (!facts.run.changes.length) return card(t('change.title'), empty(t('change.none')));
  return card(t('change.title'), h('ul', { class: 'changes' }, facts.run.changes.slice(0, 12).map((change) =>
    h('li', { class: change.good === null ? 'none' : change.good ? 'ok' : 'bad' },
      h('span', { class: 'sign' }, h('span', { 'aria-hidden': 'true' }, change.good === null ? '●' : change.good ? '▲' : '▼'),
        h('span', { class: 'sr' }, t(change.good === null ? 'change.neutral' : change.good ? 'change.good' : 'change.bad'))),
      h('span', null, changeText(change), change.since ? h('span', { class: 'soft' }, ` ${t('change.since', { when: f.timeShort(change.since) })}`) : null))),
  facts.run.changes.length > 12 ? h('li', { class: 'none' }, t('more', { n: f.int(facts.run.changes.length - 12) })) : null));
}

interface Tile { id: string; name: string; value: string; raw: number | null; series: (number | null)[]; how: (x: number | null) => string; better: -1 | 0 | 1 }

function tiles(): HTMLElement {
  const run = facts.run, runs = facts.runs;
  const last = <T>(list: T[]) => list.slice(-30);
  const all: Tile[] = [
    { id: 'score', name: t('tile.score'), value: f.score(run.score), raw: run.score, series: last(runs.score), how: f.score, better: 1 },
    { id: 'passed', name: t('tile.passed'), value: t('tile.of', { n: f.int(run.by_verdict.passed), total: f.int(run.files) }), raw: run.by_verdict.passed, series: last(runs.passed), how: f.int, better: 1 },
    { id: 'read', name: t('tile.read'), value: f.int(run.read), raw: run.read, series: last(runs.read), how: f.int, better: 0 },
    { id: 'accepted', name: t('tile.accepted'), value: f.int(run.accepted), raw: run.accepted, series: last(runs.accepted), how: f.int, better: 0 },
    { id: 'quarantined', name: t('tile.quarantined'), value: f.int(run.quarantined), raw: run.quarantined, series: last(runs.quarantined), how: f.int, better: -1 },
    { id: 'money', name: t('tile.money'), value: f.money(run.money_affected, true), raw: run.money_affected, series: last(runs.money_affected), how: (x) => f.money(x), better: -1 },
  ];
  const grid = h('ul', { class: 'tiles' }, all.map((tile) => {
    const before = runs.total > 1 ? tile.series[tile.series.length - 2] ?? null : null;
    const delta = before !== null && tile.raw !== null ? tile.raw - before : null;
    const relative = delta !== null && before ? delta / Math.abs(before) : null;
    const worse = delta !== null && tile.better !== 0 && delta * tile.better < 0, better = delta !== null && tile.better !== 0 && delta * tile.better > 0;
    const shown = delta === null ? t('tile.no_before') : delta === 0 ? t('tile.same')
      : tile.id === 'score' || tile.id === 'passed' || relative === null ? f.signed(delta) : f.signedShare(relative);
    const known = tile.series.filter((x): x is number => x !== null);
    const label = known.length < 2 ? t('unknown.runs', { n: 2 })
      : t('tile.trend', { name: tile.name, n: tile.series.length, low: tile.how(Math.min(...known)), high: tile.how(Math.max(...known)), last: tile.how(known[known.length - 1]!) });
    return h('li', { class: 'card tile', 'data-tile': tile.id },
      h('p', { class: 'name' }, tile.name),
      h('p', { class: 'value', 'data-value': tile.raw === null ? 'null' : tile.raw }, tile.raw === null ? unknown() : tile.value),
      sparkline(tile.series, label, tile.better < 0 ? 'warnish' : ''),
      h('p', { class: `delta ${worse ? 'bad' : better ? 'ok' : 'none'}` }, delta ? (delta > 0 ? '↗ ' : '↘ ') : '', shown, delta !== null ? h('span', { class: 'soft' }, ` ${t('tile.before')}`) : null));
  }));
  const rows = () => last(runs.id).map((id, i) => [bdi(id), f.timeShort(last(runs.started)[i]), ...all.map((tile) => tile.how(tile.series[i] ?? null))]);
  return h('section', { 'aria-labelledby': 'tiles-title' }, h('h3', { class: 'sr', id: 'tiles-title' }, t('tile.title')), grid,
    disclosure(t('tile.figures'), [t('run.id'), t('run.started'), ...all.map((tile) => tile.name)], rows, [2, 3, 4, 5, 6, 7]));
}

/* A table is its own chart here: each cell holds the figure, its colour and its sign only say it again. */
function heatmap(): HTMLElement {
  if (!facts.sources.length) return card(t('heat.title'), empty(t('empty.sources')));
  const cell = (value: number | null, threshold: number | null) => {
    if (value === null) return h('td', { class: 'heat none', 'data-score': 'null' }, unknown(t('heat.unknown')));
    const under = threshold !== null && value < threshold;
    const level = under ? 'under' : value >= 99.95 ? 'q4' : value >= 99 ? 'q3' : value >= 95 ? 'q2' : 'q1';
    return h('td', { class: `heat ${level}`, 'data-score': value }, under ? h('span', { 'aria-hidden': 'true' }, '▼ ') : null, f.score(value), under ? h('span', { class: 'sr' }, ` ${t('heat.under')}`) : null);
  };
  return card(t('heat.title'), h('p', { class: 'note' }, t('heat.note')),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': t('heat.title') },
      h('table', { class: 'heatmap', id: 'heatmap' },
        h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('source')), DIMENSIONS.map((dimension) => h('th', { scope: 'col' }, t(`dimension.${dimension}`))), h('th', { scope: 'col' }, t('overall')), h('th', { scope: 'col' }, t('threshold')))),
        h('tbody', null, facts.sources.map((source) => h('tr', null,
          h('th', { scope: 'row' }, h('a', { href: hashOf('rules', { source: source.name }) }, icon(source.verdict, 12), bdi(source.name))),
          DIMENSIONS.map((dimension) => cell(source.scores[dimension], source.threshold)), cell(source.scores.overall, source.threshold),
          h('td', { class: 'n soft' }, source.threshold === null ? unknown() : f.num(source.threshold))))))));
}

function issueLink(issue: Issue): string {
  if (issue.check) return hashOf('rules', { source: issue.source, check: `${issue.source}/${issue.check}` });
  if (issue.kind === 'schema' || issue.kind === 'anomaly') return issue.column ? hashOf('columns', { source: issue.source, column: `${issue.source}/${issue.column}` }) : hashOf('files', { source: issue.source });
  return hashOf('files', { source: issue.source, q: issue.file });
}

function issues(): HTMLElement {
  if (!facts.issues.length) return card(t('issues.title'), h('p', { class: 'empty good' }, icon('passed', 20), t('issues.none')));
  return card(t('issues.title'), h('ol', { class: 'issues' }, facts.issues.slice(0, 10).map((issue) => h('li', null,
    badge(issue.severity, 'severity'),
    h('div', null,
      h('a', { href: issueLink(issue), class: 'issue' }, bdi(language() === 'fr' ? issue.fr || issue.text : issue.text)),
      h('p', { class: 'meta' },
        h('span', null, bdi(issue.source)),
        issue.rows === null ? null : h('span', null, t('rows', { n: issue.rows, n_text: f.int(issue.rows) })),
        issue.share === null ? null : h('span', null, f.share(issue.share)),
        issue.first_seen ? h('span', null, t('issues.since', { when: f.time(issue.first_seen) })) : null),
      issue.example ? h('p', { class: 'example' }, t('line', { n: f.int(issue.example.line) }), ' ', issue.example.value ? h('code', null, bdi(issue.example.value)) : null) : null)))));
}

export function stripValue(name: Business['strip'][number]['name'], value: number | null, short = true): string {
  if (value === null) return f.DASH;
  if (name === 'revenue' || name === 'average_order') return f.money(value, short);
  if (name === 'conversion' || name === 'abandonment') return f.percent(value);
  return name === 'p95_latency' ? t('unit.ms', { n: f.int(value) }) : f.int(value);
}

export function strip(): HTMLElement {
  const items = facts.business.strip;
  if (!items.length) return card(t('strip.title'), empty(t('strip.none')));
  return h('section', { 'aria-labelledby': 'strip-title' }, h('h3', { class: 'over', id: 'strip-title' }, t('strip.title')),
    h('ul', { class: 'tiles strip' }, items.map((item) => {
      const touched = item.touched.map((i) => facts.checks[i]).filter((check) => check !== undefined);
      const delta = item.value !== null && item.before ? (item.value - item.before) / Math.abs(item.before) : null;
      const name = t(`strip.${item.name}`);
      return h('li', { class: 'card tile', 'data-strip': item.name },
        h('p', { class: 'name' }, name),
        h('p', { class: 'value', 'data-value': item.value === null ? 'null' : item.value }, item.value === null ? unknown() : stripValue(item.name, item.value)),
        sparkline(item.series, t('strip.trend', { name, n: item.series.length })),
        h('p', { class: 'delta none' }, item.day ? `${f.dayShort(item.day)} · ` : '', delta === null ? t('tile.no_before') : `${f.signedShare(delta)} ${t('strip.before')}`),
        item.value === null ? null : touched.length
          ? h('a', { class: 'trust warn', href: hashOf('rules', { status: 'failing', source: touched.every((check) => check!.source === touched[0]!.source) ? touched[0]!.source : null }), title: touched.slice(0, 8).map((check) => visible(`${check!.source}: ${check!.id}`)).join('\n') },
            icon('warned', 12), t('strip.touched', { n: touched.length }))
          : h('span', { class: 'trust ok' }, icon('passed', 12), t('strip.clean')));
    })));
}

function anomalies(): HTMLElement {
  const odd = facts.anomalies.filter((one) => one.status === 'anomalous');
  const cold = facts.anomalies.filter((one) => one.status === 'cold');
  const how = (measure: string, x: number | null) => (measure === 'null_rate' ? f.share(x) : measure === 'score' ? f.score(x) : f.int(x));
  const body: Child[] = [];
  if (odd.length) {
    body.push(h('ul', { class: 'changes' }, odd.slice(0, 20).map((one) => h('li', { class: 'bad' }, icon('warned', 14),
      h('span', null, h('a', { href: one.column ? hashOf('columns', { source: one.source, column: `${one.source}/${one.column}` }) : hashOf('files', { source: one.source }) },
        bdi(one.column ? `${one.source}.${one.column}` : one.source)), ' ',
      t('anomaly.line', { measure: t(`measure.${one.measure}`), value: how(one.measure, one.value), median: how(one.measure, one.median), runs: f.int(one.runs) }))))));
    if (odd.length > 20) body.push(h('p', { class: 'note' }, t('more', { n: f.int(odd.length - 20) })));
  } else if (facts.anomalies.length > cold.length) {
    body.push(h('p', { class: 'empty good' }, icon('passed', 20), t('anomaly.none')));
  }
  if (cold.length) {
    const needed = Math.max(...cold.map((one) => one.needed)), have = Math.min(...cold.map((one) => one.runs));
    body.push(h('p', { class: 'empty', 'data-cold': cold.length }, t('anomaly.cold', { n: cold.length, n_text: f.int(cold.length), needed, have })));
  }
  if (!body.length) body.push(empty(t('anomaly.nothing')));
  const section = card(t('anomaly.title'), body);
  section.id = 'anomalies';
  return section;
}

export function overview(): HTMLElement {
  return h('div', { class: 'view' }, hero(), tiles(), strip(),
    h('div', { class: 'cols' }, issues(), h('div', { class: 'stack' }, changes(), anomalies())), heatmap());
}
