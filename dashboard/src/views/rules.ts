/* Every check: what it asks, what it found, an example, how it went before. */
import type { Check } from '../facts';
import { facts, SEVERITIES } from '../data';
import { axis, cut, figure, legend, tip, tooltip } from '../chart';
import { bdi, clear, h, visible, type Child } from '../dom';
import * as f from '../format';
import { t, word } from '../i18n';
import { badge, card, empty, factsList, icon, search, select, sources, sparkline, unknown } from '../parts';
import { hashOf, replaceParams } from '../state';
import { grid, simpleTable } from '../table';

export const checkKey = (check: Check) => `${check.source}/${check.id}`;
const shareOf = (failed: number | undefined, evaluated: number | undefined) => (evaluated && failed !== undefined ? failed / evaluated : null);
const failing = (check: Check) => check.failed > 0;
const STATUSES = ['failed', 'warned', 'noted', 'passed', 'skipped'] as const;

function history(check: Check): HTMLElement {
  const past = check.history;
  if (past.run.length < 2) return empty(t('unknown.runs', { n: 2 }));
  const started = (i: number) => facts.runs.started[past.run[i] ?? -1] ?? null;
  return figure({
    id: 'check-history', title: t('rule.history'), summary: t('rule.history.summary', { n: past.run.length, failed: f.int(check.failed) }), height: 200,
    option: (p) => ({
      tooltip: tooltip(p, ([{ dataIndex: i }]) => tip(f.time(started(i)), [[t('rule.failed'), f.int(past.failed[i])], [t('rule.evaluated'), f.int(past.evaluated[i])], [t('rule.share'), f.share(shareOf(past.failed[i], past.evaluated[i]))]])) as any,
      xAxis: axis(p, { type: 'category', data: past.run.map((_, i) => f.timeShort(started(i))) }), yAxis: axis(p, { type: 'value', minInterval: 1, axisLabel: { color: p.soft, formatter: (x: number) => f.compact(x) } }),
      grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
      series: [{ type: 'bar', data: past.failed, itemStyle: { color: p.bad, borderRadius: [2, 2, 0, 0] }, barMaxWidth: 18 }],
    }),
    table: () => ({ head: [t('run'), t('rule.evaluated'), t('rule.failed'), t('rule.share')], numeric: [1, 2, 3],
      rows: past.run.map((_, i) => [f.time(started(i)), f.int(past.evaluated[i]), f.int(past.failed[i]), f.share(shareOf(past.failed[i], past.evaluated[i]))]) }),
  });
}

function detail(check: Check): HTMLElement {
  return h('section', { class: 'card detail', 'aria-label': t('rule.detail') },
    h('div', { class: 'cardhead' }, h('h3', null, bdi(check.id)), badge(check.status, 'status')),
    h('div', { class: 'cols even' },
      h('div', null, factsList([
        [t('source'), bdi(check.source)], [t('column'), check.column === null ? t('rule.whole_row') : h('a', { href: hashOf('columns', { source: check.source, column: `${check.source}/${check.column}` }) }, bdi(check.column))],
        [t('rule.kind'), h('span', null, h('code', null, bdi(check.rule)), ' ', word('rulekind', check.rule) === check.rule ? null : word('rulekind', check.rule))],
        [t('dimension'), t(`dimension.${check.dimension}`)], [t('severity'), badge(check.severity, 'severity')], [t('rule.action'), word('action', check.action)],
        [t('rule.max_failed'), check.max_failed_share === null ? t('rule.no_limit') : f.share(check.max_failed_share)],
        [t('rule.evaluated'), f.int(check.evaluated)], [t('rule.failed'), `${f.int(check.failed)} (${f.share(shareOf(check.failed, check.evaluated))})`],
      ])),
      h('div', null, h('h4', null, t('rule.samples')),
        check.samples.length ? simpleTable({ caption: t('rule.samples'), head: [t('file'), t('line.head'), t('value')], numeric: [1],
          rows: check.samples.map((sample) => [bdi(sample.file), f.int(sample.line), sample.value ? h('code', null, bdi(sample.value)) : unknown(t('rule.whole_row'))]) })
          : h('p', { class: 'note' }, t(failing(check) ? 'rule.no_samples' : 'none')),
        h('p', { class: 'note' }, t('masked')))),
    history(check));
}

function list(params: URLSearchParams): HTMLElement {
  let q = params.get('q') ?? '', source = params.get('source') ?? '', status = params.get('status') ?? '', severity = params.get('severity') ?? '';
  let change = params.get('change') ?? '', open = params.get('check') ?? '';
  const panel = h('div', { 'aria-live': 'polite' }), count = h('p', { class: 'count', role: 'status' });
  const rows = () => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    return facts.checks.filter((check) => (!source || check.source === source) && (!severity || check.severity === severity) && (!change || check.change === change) &&
      (!status || (status === 'failing' ? failing(check) : check.status === status)) &&
      words.every((one) => `${check.id} ${check.source} ${check.rule} ${check.column ?? ''} ${check.dimension}`.toLowerCase().includes(one)));
  };
  const many = grid<Check>({
    id: 'rules', label: t('view.rules'), rows: rows(), empty: facts.checks.length ? t('empty.filter') : t('empty.checks'),
    selected: (check) => checkKey(check) === open,
    onOpen: (check) => { open = checkKey(check) === open ? '' : checkKey(check); apply(false); if (open) panel.scrollIntoView({ block: 'nearest' }); },
    columns: [
      { id: 'id', head: t('rule'), width: 180, cell: (check) => h('span', null, bdi(check.id, { title: visible(check.id) }), check.change ? h('span', { class: `tag ${check.change === 'new' ? 'bad' : 'ok'}` }, t(`rule.${check.change}`)) : null), sort: (check) => check.id },
      { id: 'status', head: t('status'), width: 112, cell: (check) => badge(check.status, 'status'), sort: (check) => STATUSES.indexOf(check.status) },
      { id: 'source', head: t('source'), width: 110, from: 640, cell: (check) => bdi(check.source), sort: (check) => check.source },
      { id: 'severity', head: t('severity'), width: 108, from: 900, cell: (check) => badge(check.severity, 'severity'), sort: (check) => SEVERITIES.indexOf(check.severity) },
      { id: 'dimension', head: t('dimension'), width: 120, from: 1100, cell: (check) => t(`dimension.${check.dimension}`), sort: (check) => check.dimension },
      { id: 'limit', head: t('rule.limit'), width: 100, number: true, from: 1000, cell: (check) => (check.max_failed_share === null ? h('span', { class: 'soft' }, t('rule.no_limit')) : f.share(check.max_failed_share)), sort: (check) => check.max_failed_share },
      { id: 'evaluated', head: t('rule.evaluated'), width: 108, number: true, from: 800, cell: (check) => f.int(check.evaluated), sort: (check) => check.evaluated },
      { id: 'failed', head: t('rule.failed'), width: 88, number: true, from: 400, cell: (check) => f.int(check.failed), sort: (check) => check.failed },
      { id: 'share', head: t('rule.share'), width: 80, number: true, from: 560, cell: (check) => f.share(shareOf(check.failed, check.evaluated)), sort: (check) => shareOf(check.failed, check.evaluated) },
      { id: 'trend', head: t('rule.trend'), width: 124, from: 1200, cell: (check) => sparkline(check.history.failed, t('rule.history.summary', { n: check.history.run.length, failed: f.int(check.failed) }), 'warnish small') },
    ],
  });
  function apply(filter = true): void {
    replaceParams('rules', { q, source, status, severity, change, check: open });
    const shown = rows();
    if (filter) many.setRows(shown);
    else many.refresh();
    count.textContent = t('count.checks', { n: shown.length, n_text: f.int(shown.length), total: f.int(facts.checks.length) }) + (facts.checks_cut ? ` ${t('rule.cut', { n: facts.checks_cut, n_text: f.int(facts.checks_cut) })}` : '');
    clear(panel);
    const check = facts.checks.find((one) => checkKey(one) === open);
    if (check) panel.append(detail(check));
  }
  const all = { value: '', label: t('filter.all') };
  const body = h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h3', null, t('rules.title'))),
    h('div', { class: 'filters', role: 'search' }, search(t('filter'), q, (value) => { q = value; apply(); }),
      select(t('source'), source, sources(), (value) => { source = value; apply(); }),
      select(t('status'), status, [all, { value: 'failing', label: t('status.failing') }, ...STATUSES.map((one) => ({ value: one, label: t(`status.${one}`) }))], (value) => { status = value; apply(); }),
      select(t('severity'), severity, [all, ...SEVERITIES.map((one) => ({ value: one, label: t(`severity.${one}`) }))], (value) => { severity = value; apply(); }),
      select(t('rule.change'), change, [all, { value: 'new', label: t('rule.new') }, { value: 'fixed', label: t('rule.fixed') }], (value) => { change = value; apply(); })),
    count, many.element);
  apply();
  return h('div', { class: 'stack' }, body, panel);
}

function pareto(): HTMLElement {
  const worst = facts.checks.filter(failing).sort((a, b) => b.failed - a.failed);
  if (!worst.length) return card(t('pareto.title'), h('p', { class: 'empty good' }, icon('passed', 20), t('rules.all_good')));
  const total = worst.reduce((sum, check) => sum + check.failed, 0);
  const shown = worst.slice(0, 15);
  let sum = 0;
  const cumulative = shown.map((check) => (sum += check.failed) / total);
  const name = (check: Check) => `${check.source} · ${check.id}`;
  return figure({
    id: 'pareto', title: t('pareto.title'), note: t('pareto.note', { n: shown.length, share: f.share(cumulative[cumulative.length - 1]) }), wide: true, height: Math.max(180, shown.length * 26 + 70),
    summary: t('pareto.summary', { first: visible(name(shown[0]!)), share: f.share(cumulative[0]) }),
    option: (p, width) => ({
      tooltip: tooltip(p, ([{ dataIndex: i }]) => tip(name(shown[i]!), [[t('rule.failed'), f.int(shown[i]!.failed), p.bad], [t('pareto.cumulative'), f.share(cumulative[i]), p.fg]])) as any,
      legend: legend(p, { data: [t('rule.failed'), t('pareto.cumulative')] }),
      grid: { left: 8, right: 24, top: 36, bottom: 8, containLabel: true },
      yAxis: axis(p, { type: 'category', inverse: true, data: shown.map((check) => cut(name(check), width < 600 ? 20 : 44)), axisLabel: { color: p.fg } }),
      xAxis: [axis(p, { type: 'value', axisLabel: { color: p.soft, hideOverlap: true, formatter: (x: number) => f.compact(x) } }), axis(p, { type: 'value', min: 0, max: 1, splitLine: { show: false }, axisLabel: { color: p.soft, hideOverlap: true, formatter: (x: number) => f.share(x) } })],
      series: [{ name: t('rule.failed'), type: 'bar', data: shown.map((check) => check.failed), itemStyle: { color: p.bad, borderRadius: [0, 3, 3, 0] }, barMaxWidth: 16 },
        { name: t('pareto.cumulative'), type: 'line', xAxisIndex: 1, data: cumulative, symbolSize: 6, itemStyle: { color: p.fg }, lineStyle: { color: p.fg, width: 1.5 } }],
    }) as any,
    onClick: ({ dataIndex }) => { location.hash = hashOf('rules', { check: checkKey(shown[dataIndex]!) }); },
    table: () => ({ head: [t('rule'), t('rule.failed'), t('pareto.cumulative')], numeric: [1, 2], rows: shown.map((check, i) => [bdi(name(check)), f.int(check.failed), f.share(cumulative[i])]) }),
  });
}

function changed(kind: 'new' | 'fixed'): HTMLElement {
  const found = facts.checks.filter((check) => check.change === kind);
  const title = t(kind === 'new' ? 'rules.new' : 'rules.fixed');
  if (facts.runs.total < 2) return card(title, empty(t('unknown.runs', { n: 2 })));
  if (!found.length) return card(title, empty(t(kind === 'new' ? 'rules.new.none' : 'rules.fixed.none')));
  const items: Child[] = found.slice(0, 12).map((check) => h('li', { class: kind === 'new' ? 'bad' : 'ok' }, icon(kind === 'new' ? check.severity : 'passed', 14),
    h('span', null, h('a', { href: hashOf('rules', { check: checkKey(check) }) }, bdi(`${check.source} · ${check.id}`)), ' ', kind === 'new' ? t('rows', { n: check.failed, n_text: f.int(check.failed) }) : '')));
  return card(title, h('ul', { class: 'changes' }, items), found.length > 12 ? h('p', { class: 'note' }, h('a', { href: hashOf('rules', { change: kind }) }, t('more', { n: f.int(found.length - 12) }))) : null);
}

export function rules(params: URLSearchParams): HTMLElement {
  return h('div', { class: 'view' }, h('div', { class: 'cols even' }, changed('new'), changed('fixed')), list(params), pareto());
}
