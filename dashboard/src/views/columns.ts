/* What each column holds, and how that changes. */
import type { Column } from '../facts';
import { facts } from '../data';
import { axis, figure, tip, tooltip } from '../chart';
import { bdi, clear, h, visible, type Child } from '../dom';
import * as f from '../format';
import { t } from '../i18n';
import { card, empty, factsList, icon, meter, search, select, sources, sparkline, texts, unknown } from '../parts';
import { hashOf, replaceParams } from '../state';
import { grid, simpleTable } from '../table';

const keyOf = (column: Column) => `${column.source}/${column.name}`;
const nullShare = (column: Column) => (column.values + column.nulls ? column.nulls / (column.values + column.nulls) : null);
const bound = (x: string | number | null): Child => (x === null ? unknown() : typeof x === 'number' ? f.num(x) : bdi(x, { title: visible(x) }));

function nulls(column: Column): HTMLElement {
  const past = column.null_history;
  if (past.run.length < 2) return empty(t('unknown.runs', { n: 2 }));
  const started = (i: number) => facts.runs.started[past.run[i] ?? -1] ?? null;
  return figure({
    id: 'nulls', title: t('column.null_history'), summary: t('column.null_summary', { n: past.run.length, last: f.share(past.share[past.share.length - 1]) }), height: 200,
    option: (p) => ({
      tooltip: tooltip(p, ([{ dataIndex: i }]) => tip(f.time(started(i)), [[t('column.null_share'), f.share(past.share[i]), p.series[0]]])) as any,
      xAxis: axis(p, { type: 'category', data: past.run.map((_, i) => f.timeShort(started(i))), boundaryGap: false }),
      yAxis: axis(p, { type: 'value', min: 0, axisLabel: { color: p.soft, formatter: (x: number) => f.share(x) } }),
      grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
      series: [{ type: 'line', data: past.share, showSymbol: past.run.length < 40, symbolSize: 5, areaStyle: { opacity: 0.12 } }],
    }),
    table: () => ({ head: [t('run'), t('column.null_share')], numeric: [1], rows: past.run.map((_, i) => [f.time(started(i)), f.share(past.share[i])]) }),
  });
}

function detail(column: Column): HTMLElement {
  const most = Math.max(1, ...column.top.map((one) => one.count));
  const checks = facts.checks.filter((check) => check.source === column.source && check.column === column.name);
  return h('section', { class: 'card detail', 'aria-label': t('column.detail') },
    h('div', { class: 'cardhead' }, h('h3', null, bdi(`${column.source}.${column.name}`))),
    h('div', { class: 'cols even' },
      h('div', null, factsList([
        [t('column.type'), h('code', null, bdi(column.type))], [t('column.kind'), t(column.derived ? 'column.derived' : column.declared ? 'column.declared' : 'column.undeclared')],
        [t('column.values'), f.int(column.values)], [t('column.nulls'), `${f.int(column.nulls)} (${f.share(nullShare(column))})`],
        [t('column.distinct'), column.distinct === null ? unknown() : `≈ ${f.int(column.distinct)}`],
        [t('column.min'), bound(column.min)], [t('column.max'), bound(column.max)], [t('column.mean'), column.mean === null ? unknown() : f.num(column.mean)],
        [t('view.rules'), checks.length ? h('a', { href: hashOf('rules', { source: column.source, q: column.name }) }, t('column.checks', { n: checks.length, failed: f.int(checks.filter((check) => check.failed > 0).length) })) : t('none')],
      ])),
      h('div', null, h('h4', null, t('column.top')),
        column.top.length ? simpleTable({ caption: t('column.top'), head: [t('value'), t('rows.head'), t('column.share')], numeric: [1],
          rows: column.top.map((one) => [bdi(one.value), f.int(one.count), h('span', { class: 'against left' }, meter(one.count / most), f.share(column.values ? one.count / column.values : null))]) })
          : h('p', { class: 'note' }, t('column.no_top')))),
    column.drift.length ? [h('h4', null, t('file.drift')), texts(column.drift, 20)] : null,
    nulls(column));
}

function drift(): HTMLElement {
  const drifted = facts.columns.filter((column) => column.drift.length || (!column.declared && !column.derived));
  const missing = facts.files.flatMap((file) => file.missing.map((name) => ({ file, name })));
  if (!drifted.length && !missing.length) return card(t('drift.title'), h('p', { class: 'empty good' }, icon('passed', 20), t('drift.none')));
  return card(t('drift.title'), h('ul', { class: 'changes' },
    missing.slice(0, 10).map(({ file, name }) => h('li', { class: 'bad' }, icon('failed', 14), h('span', null, t('drift.missing', { column: visible(name), file: visible(file.label) })))),
    drifted.slice(0, 20).map((column) => h('li', { class: 'none' }, icon('warned', 14), h('span', null,
      h('a', { href: hashOf('columns', { column: keyOf(column) }) }, bdi(`${column.source}.${column.name}`)), ' ', column.drift.length ? bdi(column.drift.join(' · ')) : t('column.undeclared'))))),
  drifted.length > 20 ? h('p', { class: 'note' }, t('more', { n: f.int(drifted.length - 20) })) : null);
}

export function columns(params: URLSearchParams): HTMLElement {
  let q = params.get('q') ?? '', source = params.get('source') ?? '', open = params.get('column') ?? '';
  const panel = h('div', { 'aria-live': 'polite' }), count = h('p', { class: 'count', role: 'status' });
  const rows = () => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    return facts.columns.filter((column) => (!source || column.source === source) && words.every((one) => `${column.name} ${column.source} ${column.type}`.toLowerCase().includes(one)));
  };
  const many = grid<Column>({
    id: 'columns', label: t('view.columns'), rows: rows(), empty: facts.columns.length ? t('empty.filter') : t('empty.columns'),
    selected: (column) => keyOf(column) === open,
    onOpen: (column) => { open = keyOf(column) === open ? '' : keyOf(column); apply(false); if (open) panel.scrollIntoView({ block: 'nearest' }); },
    columns: [
      { id: 'name', head: t('column'), width: 170, cell: (column) => h('span', { title: visible(column.name) }, bdi(column.name), column.derived ? h('span', { class: 'tag' }, t('column.derived')) : !column.declared ? h('span', { class: 'tag warn' }, t('column.undeclared')) : null), sort: (column) => column.name },
      { id: 'source', head: t('source'), width: 110, from: 560, cell: (column) => bdi(column.source), sort: (column) => column.source },
      { id: 'type', head: t('column.type'), width: 104, from: 400, cell: (column) => h('code', null, bdi(column.type)), sort: (column) => column.type },
      { id: 'nulls', head: t('column.null_share'), width: 132, number: true, cell: (column) => h('span', { class: 'against' }, meter(nullShare(column), 'warn'), f.share(nullShare(column))), sort: nullShare },
      { id: 'trend', head: t('column.trend'), width: 124, from: 1000, cell: (column) => sparkline(column.null_history.share.slice(-60), t('column.null_history'), 'small') },
      { id: 'distinct', head: t('column.distinct'), width: 100, number: true, from: 800, cell: (column) => (column.distinct === null ? unknown() : f.int(column.distinct)), sort: (column) => column.distinct },
      { id: 'min', head: t('column.min'), width: 124, number: true, from: 900, cell: (column) => bound(column.min) },
      { id: 'max', head: t('column.max'), width: 124, number: true, from: 900, cell: (column) => bound(column.max) },
      { id: 'top', head: t('column.top1'), width: 150, from: 1150, cell: (column) => (column.top[0] ? bdi(column.top[0].value, { title: column.top.map((one) => `${visible(one.value)} (${f.int(one.count)})`).join('\n') }) : unknown()) },
      { id: 'drift', head: t('file.drift'), width: 80, from: 700, cell: (column) => (column.drift.length ? h('span', { class: 'tag warn', title: column.drift.map(visible).join('\n') }, f.int(column.drift.length)) : h('span', { class: 'soft' }, t('none'))), sort: (column) => column.drift.length },
    ],
  });
  function apply(filter = true): void {
    replaceParams('columns', { q, source, column: open });
    const shown = rows();
    if (filter) many.setRows(shown);
    else many.refresh();
    count.textContent = t('count.columns', { n: shown.length, n_text: f.int(shown.length), total: f.int(facts.columns.length) });
    clear(panel);
    const column = facts.columns.find((one) => keyOf(one) === open);
    if (column) panel.append(detail(column));
  }
  const body = h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h3', null, t('columns.title'))), h('p', { class: 'note' }, t('columns.note')),
    h('div', { class: 'filters', role: 'search' }, search(t('filter'), q, (value) => { q = value; apply(); }), select(t('source'), source, sources(), (value) => { source = value; apply(); })),
    count, many.element);
  apply();
  return h('div', { class: 'view' }, body, panel, drift());
}
