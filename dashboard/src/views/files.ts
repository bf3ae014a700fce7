/* Which files came, when, and what became of their rows. */
import type { File, Verdict } from '../facts';
import { facts, VERDICTS } from '../data';
import { figure, cut, tip, tooltip } from '../chart';
import { bdi, clear, h, visible } from '../dom';
import * as f from '../format';
import { t } from '../i18n';
import { badge, card, empty, factsList, meter, search, select, sources, texts, unknown } from '../parts';
import { replaceParams } from '../state';
import { grid, simpleTable } from '../table';
import { sourceTrend } from './sources';

export const fileName = (file: File) => file.member ?? file.path.split('/').pop() ?? file.path;
export const reportLink = (file: File) => encodeURIComponent(file.report);

function detail(file: File): HTMLElement {
  const scores = (['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness', 'overall'] as const)
    .map((name) => [name === 'overall' ? t('overall') : t(`dimension.${name}`), file.scores[name] === null ? unknown() : f.score(file.scores[name])]);
  const notes = [[t('file.missing'), file.missing], [t('file.undeclared'), file.undeclared], [t('file.drift'), file.drift]] as [string, string[]][];
  return h('section', { class: 'card detail', 'aria-label': t('file.detail') },
    h('div', { class: 'cardhead' }, h('h3', null, bdi(fileName(file))), badge(file.verdict)),
    h('div', { class: 'cols even' },
      h('div', null, factsList([
        [t('source'), bdi(file.source)], [t('file.path'), h('code', null, bdi(file.member ? `${file.path} › ${file.member}` : file.path))],
        [t('file.bytes'), f.bytes(file.bytes)], [t('file.validated'), f.time(file.validated_at)], [t('run.took'), f.seconds(file.seconds)],
        ['SHA-256', file.sha256 === null ? unknown() : h('code', { class: 'break' }, bdi(file.sha256))], [t('file.report'), h('a', { href: reportLink(file) }, bdi(file.report))],
      ])),
      h('div', null, simpleTable({ caption: t('file.scores'), head: [t('dimension'), t('score')], rows: scores, numeric: [1] }),
        file.arithmetic ? h('p', { class: 'note' }, bdi(file.arithmetic)) : null)),
    h('h4', null, t('file.errors')), file.errors.length ? texts(file.errors, 20) : h('p', { class: 'note' }, t('none')),
    notes.filter(([, items]) => items.length).map(([name, items]) => [h('h4', null, name), texts(items, 20)]));
}

function table(params: URLSearchParams): HTMLElement {
  let q = params.get('q') ?? '', source = params.get('source') ?? '', verdict = params.get('verdict') ?? '', open = params.get('file') ?? '';
  const panel = h('div', { 'aria-live': 'polite' }), count = h('p', { class: 'count', role: 'status' });
  const rows = () => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    return facts.files.filter((file) => (!source || file.source === source) && (!verdict || file.verdict === verdict) &&
      words.every((one) => `${file.path} ${file.member ?? ''} ${file.source} ${file.label}`.toLowerCase().includes(one)));
  };
  const many = grid<File>({
    id: 'files', label: t('view.files'), rows: rows(), empty: facts.files.length ? t('empty.filter') : t('empty.files'),
    selected: (file) => file.label === open,
    onOpen: (file) => { open = file.label === open ? '' : file.label; apply(false); if (open) panel.scrollIntoView({ block: 'nearest' }); },
    columns: [
      { id: 'file', head: t('file'), width: 160, cell: (file) => h('span', { title: visible(file.path) }, bdi(fileName(file))), sort: fileName },
      { id: 'verdict', head: t('status'), width: 134, cell: (file) => badge(file.verdict), sort: (file) => VERDICTS.indexOf(file.verdict) },
      { id: 'source', head: t('source'), width: 110, from: 700, cell: (file) => bdi(file.source), sort: (file) => file.source },
      { id: 'rows', head: t('rows.read'), width: 100, number: true, from: 480, cell: (file) => (file.rows === null ? unknown() : f.int(file.rows)), sort: (file) => file.rows },
      { id: 'quarantined', head: t('rows.quarantined'), width: 116, number: true, from: 900, cell: (file) => (file.quarantined === null ? unknown() : f.int(file.quarantined)), sort: (file) => file.quarantined },
      { id: 'duplicate', head: t('rows.duplicate'), width: 100, number: true, from: 1100, cell: (file) => (file.duplicate === null ? unknown() : f.int(file.duplicate)), sort: (file) => file.duplicate },
      { id: 'completeness', head: t('dimension.completeness'), width: 168, number: true, from: 800, sort: (file) => file.completeness,
        cell: (file) => file.completeness === null ? unknown() : h('span', { class: 'against' }, meter(file.completeness / 100, file.threshold !== null && file.completeness < file.threshold ? 'bad' : 'ok'),
          file.threshold === null ? f.percent(file.completeness) : t('file.against', { value: f.percent(file.completeness), threshold: f.num(file.threshold) })) },
      { id: 'score', head: t('score'), width: 76, number: true, from: 400, cell: (file) => (file.scores.overall === null ? unknown() : f.score(file.scores.overall)), sort: (file) => file.scores.overall },
      { id: 'errors', head: t('file.errors'), width: 150, from: 1240, cell: (file) => (file.errors.length ? bdi(file.errors[0]! + (file.errors.length > 1 ? ` (+${file.errors.length - 1})` : ''), { title: file.errors.slice(0, 6).map(visible).join('\n') }) : h('span', { class: 'soft' }, t('none'))), sort: (file) => file.errors.length },
      { id: 'time', head: t('run.took'), width: 84, number: true, from: 1000, cell: (file) => f.seconds(file.seconds), sort: (file) => file.seconds },
    ],
  });
  function apply(filter = true): void {
    replaceParams('files', { q, source, verdict, file: open });
    const shown = rows();
    if (filter) many.setRows(shown);
    else many.refresh();
    count.textContent = t('count.files', { n: shown.length, n_text: f.int(shown.length), total: f.int(facts.files.length) }) + (facts.files_cut ? ` ${t('file.cut', { n: facts.files_cut, n_text: f.int(facts.files_cut) })}` : '');
    clear(panel);
    const file = facts.files.find((one) => one.label === open);
    if (file) panel.append(detail(file));
  }
  const body = h('section', { class: 'card' }, h('div', { class: 'cardhead' }, h('h3', null, t('files.title'))),
    h('div', { class: 'filters', role: 'search' },
      search(t('filter'), q, (value) => { q = value; apply(); }),
      select(t('source'), source, sources(), (value) => { source = value; apply(); }),
      select(t('status'), verdict, [{ value: '', label: t('filter.all') }, ...VERDICTS.map((one) => ({ value: one, label: t(`verdict.${one}`) }))], (value) => { verdict = value; apply(); })),
    count, many.element);
  apply();
  return h('div', { class: 'stack' }, body, panel);
}

const RANK: Record<Verdict, number> = { skipped: 0, passed: 1, warned: 2, failed: 3, errored: 4 };

function calendar(): HTMLElement {
  const merged = new Map<string, { files: number; rows: number; worst: Verdict }>();
  for (const { arrival } of facts.sources) {
    arrival.day.forEach((day, i) => {
      const at = merged.get(day) ?? { files: 0, rows: 0, worst: 'skipped' as Verdict };
      at.files += arrival.files[i] ?? 0;
      at.rows += arrival.rows[i] ?? 0;
      const worst = arrival.worst[i] ?? 'skipped';
      if (RANK[worst] > RANK[at.worst]) at.worst = worst;
      merged.set(day, at);
    });
  }
  const days = [...merged.keys()].sort();
  if (!days.length) return card(t('arrival.title'), empty(t('empty.arrival')));
  const end = days[days.length - 1]!;
  const narrow = document.documentElement.clientWidth < 700;
  const from = new Date(`${end}T00:00:00Z`);
  from.setUTCDate(from.getUTCDate() - (narrow ? 118 : 364));
  // A short history is not shown as an empty year.
  const least = new Date(`${end}T00:00:00Z`);
  least.setUTCDate(least.getUTCDate() - 118);
  const first = days[0]! < least.toISOString().slice(0, 10) ? days[0]! : least.toISOString().slice(0, 10);
  const start = first > from.toISOString().slice(0, 10) ? first : from.toISOString().slice(0, 10);
  const span = Math.round((Date.parse(end) - Date.parse(start)) / 86400e3) + 1;
  const shown = days.filter((day) => day >= start);
  return figure({
    id: 'arrival', title: t('arrival.title'), note: t('arrival.note'), wide: true, height: 172, minWidth: narrow ? 280 : 720,
    summary: t('arrival.summary', { n: shown.length, from: f.day(shown[0]), to: f.day(end) }),
    option: (p, width) => {
      const colours: Record<Verdict, string> = { passed: p.ok, warned: p.warn, failed: p.bad, errored: p.bad, skipped: p.soft };
      const weeks = span / 7 + 1.2;
      const size = Math.max(9, Math.min(18, Math.floor((width - 48) / weeks)));
      return {
        tooltip: tooltip(p, ({ data }) => {
          const at = merged.get(data.value[0])!;
          return tip(f.dayLong(data.value[0]), [[t('files'), f.int(at.files)], [t('rows.read'), f.int(at.rows)], [t('arrival.worst'), t(`verdict.${at.worst}`), colours[at.worst]]]);
        }, 'item') as any,
        calendar: { range: [start, end], cellSize: size, left: 36, top: 24, orient: 'horizontal', splitLine: { show: false },
          itemStyle: { color: p.card, borderColor: p.line, borderWidth: 1 },
          dayLabel: { firstDay: 1, color: p.soft, nameMap: [7, 1, 2, 3, 4, 5, 6].map((one, i) => (i % 2 ? f.weekday(one) : '')), margin: 6 },
          monthLabel: { color: p.soft, nameMap: Array.from({ length: 12 }, (_, i) => f.monthName(i)) }, yearLabel: { show: false } },
        series: [{ type: 'heatmap', coordinateSystem: 'calendar',
          data: shown.map((day) => { const at = merged.get(day)!; return { value: [day, at.files], itemStyle: { color: colours[at.worst], opacity: at.worst === 'passed' ? 0.75 : 1 } }; }),
          label: { show: size >= 12, color: p.card, fontSize: 9, fontWeight: 'bold', formatter: ({ data }: any) => ({ warned: '!', failed: '×', errored: '?', passed: '', skipped: '' })[merged.get(data.value[0])!.worst] } }],
      } as any;
    },
    table: () => ({ head: [t('day'), t('files'), t('rows.read'), t('arrival.worst')], numeric: [1, 2],
      rows: shown.map((day) => { const at = merged.get(day)!; return [f.day(day), f.int(at.files), f.int(at.rows), t(`verdict.${at.worst}`)]; }) }),
  });
}

function flow(): HTMLElement {
  const used = facts.sources.filter((source) => source.read > 0);
  if (!used.length) return card(t('flow.title'), empty(t('empty.rows')));
  const out = [['accepted', facts.run.accepted], ['quarantined', facts.run.quarantined], ['duplicate', facts.run.duplicate]] as const;
  return figure({
    id: 'flow', title: t('flow.title'), note: t('flow.note', { read: f.int(facts.run.read) }), wide: true, height: Math.max(240, used.length * 44),
    summary: t('flow.summary', { read: f.int(facts.run.read), accepted: f.int(facts.run.accepted), quarantined: f.int(facts.run.quarantined), duplicate: f.int(facts.run.duplicate) }),
    option: (p, width) => {
      const colours = { accepted: p.ok, quarantined: p.bad, duplicate: p.warn } as const;
      const nodes = [...used.map((source, i) => ({ name: `s${i}`, depth: 0, itemStyle: { color: p.series[0] }, says: cut(source.name, width < 600 ? 12 : 24), count: source.read, full: source.name })),
        { name: 'read', depth: 1, itemStyle: { color: p.soft }, says: t('rows.read'), count: facts.run.read, full: t('rows.read') },
        ...out.filter(([, count]) => count > 0).map(([name, count]) => ({ name, depth: 2, itemStyle: { color: colours[name] }, says: t(`rows.${name}`), count, full: t(`rows.${name}`) }))];
      // A tenth of a percent would be a line too thin to see: links are drawn by the root of their rows.
      const drawn = (count: number) => Math.sqrt(count);
      const by = new Map(nodes.map((node) => [node.name, node]));
      return {
        tooltip: tooltip(p, ({ dataType, data }) => (dataType === 'node' ? tip(by.get(data.name)!.full, [[t('rows.head'), f.int(by.get(data.name)!.count)]])
          : tip(`${by.get(data.source)!.full} → ${by.get(data.target)!.full}`, [[t('rows.head'), f.int(data.rows)]])), 'item') as any,
        series: [{ type: 'sankey', left: 4, right: width < 600 ? 136 : 170, top: 8, bottom: 8, nodeWidth: 12, nodeGap: 12, draggable: false, emphasis: { focus: 'adjacency' },
          data: nodes, label: { color: p.fg, fontSize: 12, formatter: ({ name }: any) => (name === 'read' && width < 600 ? '' : `${by.get(name)!.says}  ${f.compact(by.get(name)!.count)}`) },
          lineStyle: { color: 'target', opacity: 0.28, curveness: 0.5 },
          links: [...used.map((source, i) => ({ source: `s${i}`, target: 'read', value: drawn(source.read), rows: source.read })),
            ...out.filter(([, count]) => count > 0).map(([name, count]) => ({ source: 'read', target: name, value: drawn(count), rows: count }))] }],
      } as any;
    },
    table: () => ({ head: [t('source'), t('rows.read'), t('rows.accepted'), t('rows.quarantined'), t('rows.duplicate')], numeric: [1, 2, 3, 4],
      rows: [...facts.sources.map((source) => [bdi(source.name), f.int(source.read), f.int(source.accepted), f.int(source.quarantined), f.int(source.duplicate)]),
        [t('total'), f.int(facts.run.read), f.int(facts.run.accepted), f.int(facts.run.quarantined), f.int(facts.run.duplicate)]] }),
  });
}

export function files(params: URLSearchParams): HTMLElement {
  return h('div', { class: 'view' }, table(params), sourceTrend(), calendar(), flow());
}
