/* What the shop did, each figure with what is known against it. */
import type { Segment } from '../facts';
import { facts } from '../data';
import { axis, cut, figure, legend, tip, tooltip, type Palette } from '../chart';
import { bdi, h, visible } from '../dom';
import * as f from '../format';
import { t, word, type Key } from '../i18n';
import { card, empty } from '../parts';
import { strip } from './overview';

type N = number | null;
const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
const percent = (x: N) => f.percent(x);
const ratio = (a: number | undefined, b: number | undefined): N => (b && a !== undefined ? a / b : null);

/* The card of a part that is not there, with the reason. */
function absent(part: string, title: Key): HTMLElement {
  const reason = facts.business.reasons[part];
  return card(t(title), h('p', { class: 'empty', 'data-absent': part }, t('business.absent'), reason ? [' ', bdi(reason)] : null));
}

interface Line { name: string; data: N[]; how: (x: N) => string; right?: boolean; bar?: boolean; stack?: string; colour?: (p: Palette) => string | undefined; area?: boolean; points?: boolean; listed?: boolean }

/* Figures over days or over names, on one axis or two. */
function series(o: { id: string; title: string; labels: string[]; full?: string[]; lines: Line[]; head: string; height?: number; across?: boolean; note?: string; wide?: boolean; max?: number }): HTMLElement {
  const shown = o.lines.map((line) => line.name).join(', ');
  return figure({
    id: o.id, title: o.title, height: o.height ?? 260, ...(o.note ? { note: o.note } : {}), ...(o.wide ? { wide: true } : {}),
    summary: t('series.summary', { title: o.title, names: shown, n: o.labels.length }),
    option: (p, width) => {
      const lines = o.lines.filter((line) => !line.listed);
      const left = lines.find((line) => !line.right), right = lines.find((line) => line.right);
      const names = axis(p, { type: 'category', data: o.labels.map((label) => cut(label, o.across ? (width < 500 ? 12 : 20) : 14)), ...(o.across ? { inverse: true, axisLabel: { color: p.fg } } : {}) });
      const value = (line: Line | undefined, more: object = {}) => axis(p, { type: 'value', splitNumber: 4, ...(line?.how === f.int ? { minInterval: 1 } : {}), axisLabel: { color: p.soft, hideOverlap: true, formatter: (x: number) => (line ? line.how(x) : String(x)) }, ...more });
      const values = right ? [value(left), value(right, { splitLine: { show: false } })] : value(left, o.max ? { max: o.max } : {});
      return {
        tooltip: tooltip(p, (all) => tip(o.full?.[all[0].dataIndex] ?? o.labels[all[0].dataIndex] ?? '', o.lines.map((line, i) => [line.name, line.how(line.data[all[0].dataIndex] ?? null), line.colour?.(p) ?? p.series[i]]))) as any,
        ...(lines.length > 1 ? { legend: legend(p, { data: lines.map((line) => line.name), type: 'scroll' }) } : {}),
        grid: { left: 8, right: o.across ? 24 : 8, top: lines.length > 1 ? 36 : 12, bottom: 4, containLabel: true },
        xAxis: o.across ? values : names, yAxis: o.across ? names : values,
        series: lines.map((line, i) => ({
          name: line.name, type: line.bar ? 'bar' : 'line', data: line.data, barMaxWidth: 22, showSymbol: o.labels.length < 20, symbolSize: 5,
          ...(line.right ? { [o.across ? 'xAxisIndex' : 'yAxisIndex']: 1 } : {}), ...(line.stack ? { stack: line.stack } : {}),
          itemStyle: { color: line.colour?.(p) ?? p.series[i], ...(line.bar && !line.stack ? { borderRadius: o.across ? [0, 3, 3, 0] : [3, 3, 0, 0] } : {}) },
          lineStyle: { width: line.points ? 0 : 2 }, ...(line.points ? { showSymbol: true, symbol: 'diamond', symbolSize: 11 } : {}), ...(line.area ? { areaStyle: { opacity: 0.12 } } : {}),
        })),
      } as any;
    },
    table: () => ({ head: [o.head, ...o.lines.map((line) => line.name)], numeric: o.lines.map((_, i) => i + 1), rows: o.labels.map((_, i) => [bdi(o.full?.[i] ?? o.labels[i]!), ...o.lines.map((line) => line.how(line.data[i] ?? null))]) }),
  });
}

function sales(): HTMLElement[] {
  const day = facts.business.sales, by = facts.business.sales_by_category;
  const shortMoney = (x: N) => f.money(x, true);
  const out: HTMLElement[] = [];
  if (day) {
    const labels = day.day.map(f.dayShort), full = day.day.map(f.dayLong);
    out.push(series({ id: 'revenue', title: t('business.revenue'), head: t('day'), labels, full, wide: true, height: 280,
      lines: [{ name: t('strip.revenue'), data: day.revenue, how: shortMoney, area: true }, { name: t('strip.orders'), data: day.orders, how: f.compact, bar: true, right: true, colour: (p) => p.line }, { name: t('units'), data: day.units, how: f.compact, right: true, colour: (p) => p.series[3] }] }));
    out.push(series({ id: 'average', title: t('strip.average_order'), head: t('day'), labels, full, lines: [{ name: t('strip.average_order'), data: day.revenue.map((x, i) => ratio(x, day.orders[i])), how: (x) => f.money(x), area: true }] }));
  } else {
    out.push(absent('sales', 'business.revenue'));
  }
  out.push(by ? series({ id: 'categories', title: t('business.by_category'), head: t('category'), across: true, labels: by.category, height: Math.max(180, by.category.length * 44 + 60),
    lines: [{ name: t('strip.revenue'), data: by.revenue, how: shortMoney, bar: true }, { name: t('margin'), data: by.margin, how: shortMoney, bar: true, colour: (p) => p.series[1] }, { name: t('strip.orders'), data: by.orders, how: f.compact, right: true, points: true, colour: (p) => p.series[2] }, { name: t('units'), data: by.units, how: f.compact, right: true, points: true, colour: (p) => p.series[3] }] })
    : absent('sales_by_category', 'business.by_category'));
  return out;
}

function funnel(): HTMLElement {
  const found = facts.business.funnel;
  if (!found) return absent('funnel', 'business.funnel');
  const steps = (['sessions', 'viewed', 'carted', 'converted'] as const).map((name) => ({ name: t(`funnel.${name}`), count: found[name] }));
  const of = (i: number, j: number) => ratio(steps[i]!.count, steps[j]!.count);
  return figure({
    id: 'funnel', title: t('business.funnel'), height: 230, summary: t('funnel.summary', { sessions: f.int(found.sessions), converted: f.int(found.converted), share: f.share(ratio(found.converted, found.sessions)) }),
    option: (p) => ({
      tooltip: tooltip(p, ([{ dataIndex: i }]) => tip(steps[i]!.name, [[t('funnel.count'), f.int(steps[i]!.count)], [t('funnel.of_all'), f.share(of(i, 0))], ...(i ? [[t('funnel.of_before'), f.share(of(i, i - 1))] as [string, string]] : [])])) as any,
      grid: { left: 8, right: 108, top: 8, bottom: 4, containLabel: true },
      yAxis: axis(p, { type: 'category', inverse: true, data: steps.map((step) => step.name), axisLabel: { color: p.fg } }), xAxis: axis(p, { type: 'value', show: false, max: found.sessions || 1 }),
      series: [{ type: 'bar', data: steps.map((step, i) => ({ value: step.count, itemStyle: { color: p.series[i === 3 ? 1 : 0] } })), itemStyle: { borderRadius: [0, 4, 4, 0] }, barMaxWidth: 34, showBackground: true, backgroundStyle: { color: p.line, opacity: 0.35, borderRadius: [0, 4, 4, 0] },
        label: { show: true, position: 'right', color: p.fg, formatter: ({ dataIndex: i }: any) => `${f.compact(steps[i]!.count)} · ${f.share(of(i, 0))}` } }],
    }) as any,
    table: () => ({ head: [t('funnel.step'), t('funnel.count'), t('funnel.of_all'), t('funnel.of_before')], numeric: [1, 2, 3], rows: steps.map((step, i) => [step.name, f.int(step.count), f.share(of(i, 0)), i ? f.share(of(i, i - 1)) : f.DASH]) }),
  });
}

function funnelDaily(): HTMLElement {
  const d = facts.business.funnel_daily;
  if (!d) return absent('funnel_daily', 'business.funnel_daily');
  return series({ id: 'funnel-daily', title: t('business.funnel_daily'), head: t('day'), labels: d.day.map(f.dayShort), full: d.day.map(f.dayLong),
    lines: [{ name: t('strip.conversion'), data: d.converted.map((x, i) => ratio(x, d.sessions[i])), how: f.share }, { name: t('strip.abandonment'), data: d.carted.map((x, i) => ratio(x - (d.converted[i] ?? 0), x)), how: f.share, colour: (p) => p.series[2] }, { name: t('funnel.sessions'), data: d.sessions, how: f.compact, bar: true, right: true, colour: (p) => p.line }] });
}

function segment(id: 'by_device' | 'by_source', title: Key, prefix: string): HTMLElement {
  const s: Segment | null = facts.business[id];
  if (!s) return absent(id, title);
  return series({ id, title: t(title), head: t(`segment.${id}`), labels: s.name.map((name) => word(prefix, name)), height: 260,
    lines: [{ name: t('strip.conversion'), data: s.conversion, how: percent, bar: true }, { name: t('bounce'), data: s.bounce, how: percent, bar: true, colour: (p) => p.series[3] }, { name: t('strip.abandonment'), data: s.abandonment, how: percent, bar: true, colour: (p) => p.series[2] }, { name: t('funnel.sessions'), data: s.sessions, how: f.compact, right: true, points: true, colour: (p) => p.soft }] });
}

function hours(): HTMLElement {
  const found = facts.business.hours;
  if (!found) return absent('hours', 'business.hours');
  const points = found.weekday.map((weekday, i) => ({ weekday, hour: found.hour[i]!, sessions: found.sessions[i]!, converted: found.converted[i]! }));
  const most = Math.max(1, ...found.sessions), top = points.reduce((a, b) => (b.sessions > a.sessions ? b : a), points[0] ?? { weekday: 1, hour: 0, sessions: 0, converted: 0 });
  return figure({
    id: 'hours', title: t('business.hours'), note: t('business.hours.note'), wide: true, height: 270, minWidth: 560,
    summary: t('hours.summary', { day: f.weekday(top.weekday, 'long'), hour: top.hour, n: f.int(top.sessions) }),
    option: (p) => ({
      tooltip: tooltip(p, ({ data }) => { const at = points[data.value[3]]!; return tip(`${f.weekday(at.weekday, 'long')} ${at.hour}:00`, [[t('funnel.sessions'), f.int(at.sessions)], [t('strip.conversion'), f.share(ratio(at.converted, at.sessions))]]); }, 'item') as any,
      grid: { left: 8, right: 8, top: 8, bottom: 44, containLabel: true },
      xAxis: axis(p, { type: 'category', data: Array.from({ length: 24 }, (_, i) => String(i)), splitLine: { show: false } }),
      yAxis: axis(p, { type: 'category', inverse: true, data: [1, 2, 3, 4, 5, 6, 7].map((i) => f.weekday(i)), axisLabel: { color: p.fg }, splitLine: { show: false } }),
      visualMap: { min: 0, max: most, calculable: false, orient: 'horizontal', left: 'center', bottom: 0, itemHeight: 140, itemWidth: 10, dimension: 2, inRange: { color: p.scale }, text: [f.compact(most), '0'], textStyle: { color: p.soft } },
      series: [{ type: 'heatmap', data: points.map((at, i) => ({ value: [at.hour, at.weekday - 1, at.sessions, i] })), encode: { x: 0, y: 1, value: 2 }, itemStyle: { borderColor: p.card, borderWidth: 2, borderRadius: 3 } }],
    }) as any,
    table: () => ({ head: [t('weekday'), t('hour'), t('funnel.sessions'), t('funnel.converted'), t('strip.conversion')], numeric: [1, 2, 3, 4], rows: points.map((at) => [f.weekday(at.weekday, 'long'), `${at.hour}:00`, f.int(at.sessions), f.int(at.converted), f.share(ratio(at.converted, at.sessions))]) }),
  });
}

function customers(): HTMLElement[] {
  const c = facts.business.customers;
  if (!c) return [absent('customers', 'business.customers')];
  const at = new Map(c.type.map((type, i) => [`${type}\n${c.country[i]}`, i]));
  const types = [...new Set(c.type)];
  const users = (country: string) => sum(c.users.filter((_, i) => c.country[i] === country));
  const countries = [...new Set(c.country)].sort((a, b) => users(b) - users(a)).slice(0, 12);
  const cell = (type: string, country: string) => at.get(`${type}\n${country}`);
  const loyalty = types.map((type) => {
    const known = c.type.map((one, i) => ({ one, users: c.users[i]!, loyalty: c.loyalty[i] ?? null })).filter((x) => x.one === type && x.loyalty !== null);
    const n = sum(known.map((x) => x.users));
    return n ? sum(known.map((x) => x.users * x.loyalty!)) / n : null;
  });
  return [
    series({ id: 'customers', title: t('business.customers'), head: t('country'), across: true, labels: countries.map(f.country), height: Math.max(200, countries.length * 28 + 60),
      lines: types.map((type) => ({ name: word('customer', type), data: countries.map((country) => { const i = cell(type, country); return i === undefined ? 0 : c.users[i] ?? 0; }), how: f.compact, bar: true, stack: 'users' })) }),
    series({ id: 'loyalty', title: t('business.loyalty'), head: t('customer.type'), labels: types.map((type) => word('customer', type)), height: 240,
      lines: [{ name: t('loyalty'), data: loyalty, how: (x) => f.num(x, 1), bar: true, colour: (p) => p.series[4] }, { name: t('customers'), data: types.map((type) => sum(c.users.filter((_, i) => c.type[i] === type))), how: f.compact, right: true, points: true, colour: (p) => p.series[0] }] }),
  ];
}

function products(): HTMLElement[] {
  const d = facts.business.products;
  if (!d) return [absent('products', 'business.stock')];
  return [
    series({ id: 'stock', title: t('business.stock'), head: t('category'), across: true, labels: d.category, height: Math.max(200, d.category.length * 34 + 60),
      lines: [{ name: t('stock.out'), data: d.stock_outs, how: f.int, bar: true, stack: 'out', colour: (p) => p.bad }, { name: t('stock.low'), data: d.low, how: f.int, bar: true, stack: 'stock', colour: (p) => p.warn }, { name: t('stock.medium'), data: d.medium, how: f.int, bar: true, stack: 'stock', colour: (p) => p.series[0] }, { name: t('stock.high'), data: d.high, how: f.int, bar: true, stack: 'stock', colour: (p) => p.ok }], note: t('stock.note') }),
    series({ id: 'margins', title: t('business.margin'), head: t('category'), across: true, labels: d.category, height: Math.max(200, d.category.length * 34 + 60),
      lines: [{ name: t('margin.pct'), data: d.margin_pct, how: (x) => f.percent(x), bar: true, colour: (p) => p.series[1] }, { name: t('margin.negative'), data: d.negative_margins, how: f.int, right: true, points: true, colour: (p) => p.bad }, { name: t('products'), data: d.products, how: f.int, listed: true }] }),
  ];
}

function api(): HTMLElement[] {
  const d = facts.business.api_daily, by = facts.business.api_by_category;
  const ms = (x: N) => (x === null ? f.DASH : t('unit.ms', { n: f.int(x) }));
  const out: HTMLElement[] = [];
  if (d) {
    const labels = d.day.map(f.dayShort), full = d.day.map(f.dayLong);
    out.push(series({ id: 'requests', title: t('business.requests'), head: t('day'), labels, full, lines: [{ name: t('requests'), data: d.requests, how: f.compact, bar: true }, { name: t('cache.rate'), data: d.cache_hits.map((x, i) => ratio(x, d.requests[i])), how: f.share, right: true, colour: (p) => p.series[1] }] }));
    out.push(series({ id: 'api-errors', title: t('business.errors'), head: t('day'), labels, full, lines: [{ name: '4xx', data: d.errors_4xx, how: f.compact, colour: (p) => p.warn }, { name: '5xx', data: d.errors_5xx, how: f.compact, colour: (p) => p.bad }] }));
  } else {
    out.push(absent('api_daily', 'business.requests'));
  }
  if (by) {
    const note = facts.business.api_day ? { note: t('business.api_day', { day: f.day(facts.business.api_day) }) } : {};
    const labels = by.category.map((name) => word('api', name));
    out.push(series({ id: 'latency', title: t('business.latency'), ...note, head: t('category'), labels, lines: [{ name: 'p50', data: by.p50, how: ms, bar: true }, { name: 'p95', data: by.p95, how: ms, bar: true, colour: (p) => p.series[2] }, { name: 'p99', data: by.p99, how: ms, bar: true, colour: (p) => p.series[3] }] }));
    out.push(series({ id: 'api-categories', title: t('business.api_by_category'), ...note, head: t('category'), labels, lines: [{ name: t('requests'), data: by.requests, how: f.compact, bar: true }, { name: t('cache.rate'), data: by.cache_hits.map((x, i) => ratio(x, by.requests[i])), how: f.share, right: true, points: true, colour: (p) => p.series[1] }, { name: '4xx', data: by.errors_4xx.map((x, i) => ratio(x, by.requests[i])), how: f.share, right: true, points: true, colour: (p) => p.warn }, { name: '5xx', data: by.errors_5xx.map((x, i) => ratio(x, by.requests[i])), how: f.share, right: true, points: true, colour: (p) => p.bad }] }));
  } else {
    out.push(absent('api_by_category', 'business.latency'));
  }
  return out;
}

export function business(): HTMLElement {
  const w = facts.business.window;
  const group = (title: Key, figures: HTMLElement[]) => h('section', { 'aria-label': t(title) }, h('h3', { class: 'over' }, t(title)), h('div', { class: 'figures-grid' }, figures));
  return h('div', { class: 'view' },
    w ? h('p', { class: 'note' }, t('business.window', { from: f.day(w.from), to: f.day(w.to) })) : empty(t('business.nothing')),
    strip(), group('group.sales', sales()), group('group.visits', [funnel(), funnelDaily(), segment('by_device', 'business.by_device', 'device'), segment('by_source', 'business.by_source', 'traffic'), hours()]),
    group('group.customers', customers()), group('group.products', products()), group('group.api', api()));
}

export { visible };
