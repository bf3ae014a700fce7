/* The rows that did not pass: why, how many each day, and what they look like. */
import type { QuarantineRow } from '../facts';
import { facts } from '../data';
import { axis, cut, figure, tip, tooltip } from '../chart';
import { bdi, clear, h, visible } from '../dom';
import * as f from '../format';
import { t, word } from '../i18n';
import { card, empty, icon, search, select, sources } from '../parts';
import { hashOf, replaceParams } from '../state';
import { simpleTable } from '../table';

const SHOWN = 12;
const meaning = (code: string) => word('reason', code.replace(/:.*$/, ''));
const reasonCell = (source: string, code: string) => (code.startsWith('rule:')
  ? h('a', { href: hashOf('rules', { source, check: `${source}/${code.slice(5)}` }) }, bdi(code)) : bdi(code));

function reasons(): HTMLElement {
  const all = facts.quarantine.reasons;
  if (!all.length) return card(t('quarantine.reasons'), h('p', { class: 'empty good' }, icon('passed', 20), t('quarantine.none')));
  const shown = all.slice(0, 12), name = (i: number) => `${shown[i]!.source} · ${shown[i]!.code}`;
  return figure({
    id: 'reasons', title: t('quarantine.reasons'), note: t('quarantine.reasons.note'), height: Math.max(160, shown.length * 28 + 32),
    summary: t('quarantine.reasons.summary', { name: visible(name(0)), n: f.int(all[0]!.rows) }),
    option: (p, width) => ({
      tooltip: tooltip(p, ([{ dataIndex: i }]) => tip(name(i), [[t('rows.head'), f.int(shown[i]!.rows), p.bad], ['', meaning(shown[i]!.code)]])) as any,
      grid: { left: 8, right: 56, top: 8, bottom: 4, containLabel: true },
      yAxis: axis(p, { type: 'category', inverse: true, data: shown.map((_, i) => cut(name(i), width < 500 ? 20 : 36)), axisLabel: { color: p.fg } }),
      xAxis: axis(p, { type: 'value', axisLabel: { color: p.soft, hideOverlap: true, formatter: (x: number) => f.compact(x) } }),
      series: [{ type: 'bar', data: shown.map((one) => one.rows), itemStyle: { color: p.bad, borderRadius: [0, 3, 3, 0] }, barMaxWidth: 16,
        label: { show: true, position: 'right', color: p.fg, formatter: ({ value }: any) => f.compact(value) } }],
    }),
    table: () => ({ head: [t('source'), t('reason'), t('rows.head'), t('reason.meaning')], numeric: [2], rows: all.map((one) => [bdi(one.source), reasonCell(one.source, one.code), f.int(one.rows), meaning(one.code)]) }),
  });
}

function trend(): HTMLElement {
  const past = facts.quarantine.trend;
  if (past.run.length < 2) return card(t('quarantine.trend'), empty(t('unknown.runs', { n: 2 })));
  const at = (i: number) => facts.runs.started[past.run[i] ?? -1] ?? null;
  const rate = (i: number) => { const read = facts.runs.read[past.run[i] ?? -1]; return read ? (past.rows[i] ?? 0) / read : null; };
  return figure({
    id: 'trend', title: t('quarantine.trend'), height: 260, summary: t('quarantine.trend.summary', { n: past.run.length, last: f.int(past.rows[past.rows.length - 1]) }),
    option: (p) => ({
      tooltip: tooltip(p, ([{ dataIndex: i }]) => tip(f.time(at(i)), [[t('rows.quarantined'), f.int(past.rows[i]), p.bad], [t('quarantine.share'), f.share(rate(i))]])) as any,
      grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
      xAxis: axis(p, { type: 'category', data: past.run.map((_, i) => f.timeShort(at(i))), boundaryGap: past.run.length < 60 }),
      yAxis: axis(p, { type: 'value', axisLabel: { color: p.soft, formatter: (x: number) => f.compact(x) } }),
      series: [past.run.length < 60 ? { type: 'bar', data: past.rows, itemStyle: { color: p.bad, borderRadius: [2, 2, 0, 0] }, barMaxWidth: 20 }
        : { type: 'line', data: past.rows, showSymbol: false, sampling: 'max', lineStyle: { color: p.bad, width: 1.5 }, itemStyle: { color: p.bad }, areaStyle: { color: p.bad, opacity: 0.12 } }],
    }) as any,
    table: () => ({ head: [t('run'), t('rows.quarantined'), t('quarantine.share')], numeric: [1, 2], rows: past.run.map((_, i) => [f.time(at(i)), f.int(past.rows[i]), f.share(rate(i))]) }),
  });
}

function sample(row: QuarantineRow): HTMLElement {
  return h('article', { class: 'card row' },
    h('header', null, h('h4', null, bdi(row.file)), h('p', { class: 'meta' }, h('span', null, bdi(row.source)),
      row.line === null ? null : h('span', null, t('line', { n: f.int(row.line) })), h('span', null, t('offset', { n: f.int(row.offset) })))),
    h('ul', { class: 'reasons' }, row.reasons.map((reason) => h('li', null, icon('failed', 14), h('span', null,
      h('strong', null, reasonCell(row.source, reason.code)), reason.column === null ? null : [' ', t('reason.in'), ' ', h('code', null, bdi(reason.column))],
      reason.value === null ? null : [': ', h('code', { class: 'bad' }, bdi(reason.value))], h('span', { class: 'soft' }, ` – ${meaning(reason.code)}`))))),
    row.cells.length ? h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': t('quarantine.cells') },
      h('table', { class: 'cells' }, h('thead', null, h('tr', null, row.cells.map((cell) => h('th', { scope: 'col', class: cell.bad ? 'badcell' : null }, bdi(cell.column))))),
        h('tbody', null, h('tr', null, row.cells.map((cell) => h('td', { class: cell.bad ? 'badcell' : null },
          cell.bad ? [h('span', { 'aria-hidden': 'true' }, '✖ '), h('span', { class: 'sr' }, `${t('quarantine.bad')} `)] : null,
          cell.value === null ? h('span', { class: 'soft' }, t('null')) : cell.value === '' ? h('span', { class: 'soft' }, t('empty.text')) : bdi(cell.value))))))) : null,
    row.raw === null ? h('p', { class: 'note' }, t('quarantine.no_raw')) : h('details', null, h('summary', null, t('quarantine.raw')), h('pre', null, bdi(row.raw))));
}

function samples(params: URLSearchParams): HTMLElement {
  let q = params.get('q') ?? '', source = params.get('source') ?? '', reason = params.get('reason') ?? '', most = SHOWN;
  const list = h('div', { class: 'stack' }), count = h('p', { class: 'count', role: 'status' });
  const codes = [...new Set(facts.quarantine.rows.flatMap((row) => row.reasons.map((one) => one.code)))].sort();
  function apply(reset = true): void {
    if (reset) most = SHOWN;
    replaceParams('quarantine', { q, source, reason });
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = facts.quarantine.rows.filter((row) => (!source || row.source === source) && (!reason || row.reasons.some((one) => one.code === reason)) &&
      words.every((one) => `${row.file} ${row.source} ${row.raw ?? ''} ${row.reasons.map((r) => `${r.code} ${r.column} ${r.value}`).join(' ')}`.toLowerCase().includes(one)));
    count.textContent = t('count.samples', { n: shown.length, n_text: f.int(shown.length), total: f.int(facts.quarantine.rows.length), all: f.int(facts.run.quarantined) });
    clear(list);
    list.append(...shown.slice(0, most).map(sample));
    if (!shown.length) list.append(empty(facts.quarantine.rows.length ? t('empty.filter') : t('quarantine.none')));
    if (shown.length > most) list.append(h('button', { type: 'button', on: { click: () => { most += SHOWN; apply(false); } } }, t('more', { n: f.int(shown.length - most) })));
  }
  const body = h('section', null, h('div', { class: 'card' }, h('div', { class: 'cardhead' }, h('h3', null, t('quarantine.samples'))),
    h('p', { class: 'note' }, t('quarantine.where', { folder: visible(facts.quarantine.folder) }), ' ', h('code', null, 'ecluse quarantine list')),
    h('div', { class: 'filters', role: 'search' }, search(t('filter'), q, (value) => { q = value; apply(); }), select(t('source'), source, sources(), (value) => { source = value; apply(); }),
      select(t('reason'), reason, [{ value: '', label: t('filter.all') }, ...codes.map((code) => ({ value: code, label: visible(code) }))], (value) => { reason = value; apply(); })), count), list);
  apply();
  return body;
}

export function quarantine(params: URLSearchParams): HTMLElement {
  const all = facts.quarantine.reasons;
  const codes = [...new Set(all.map((one) => (one.code.startsWith('rule:') ? 'rule' : one.code)))];
  const totals = codes.map((code) => [h('code', null, bdi(code)), f.int(all.filter((one) => one.code === code || (code === 'rule' && one.code.startsWith('rule:'))).reduce((sum, one) => sum + one.rows, 0)), meaning(code)]);
  return h('div', { class: 'view' }, h('div', { class: 'cols even' }, reasons(), trend()),
    totals.length ? card(t('quarantine.meanings'), simpleTable({ caption: t('quarantine.meanings'), head: [t('reason'), t('rows.head'), t('reason.meaning')], numeric: [1], rows: totals })) : null,
    samples(params));
}
