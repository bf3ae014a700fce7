/* How the run itself went: stages, speed, memory, the runs before it, what came from what. */
import type { Verdict } from '../facts';
import { facts } from '../data';
import { axis, cut, figure, legend, tip, tooltip } from '../chart';
import { bdi, h, visible, type Child } from '../dom';
import * as f from '../format';
import { t, word } from '../i18n';
import { badge, card, empty, factsList, icon, unknown } from '../parts';
import { grid, simpleTable } from '../table';

const known = (x: number | null, how: (n: number) => string): Child => (x === null ? unknown() : how(x));

function figures(): HTMLElement {
  const run = facts.run;
  return card(t('run.title'), factsList([
    [t('run.id'), h('span', { class: 'code' }, bdi(run.id))], [t('run.seq'), f.int(run.seq)], [t('status'), badge(run.verdict)], [t('run.started'), f.time(run.started)], [t('run.finished'), f.time(run.finished)],
    [t('run.took'), f.seconds(run.seconds)], [t('run.rate'), known(run.rows_per_second, f.rate)], [t('run.cpu'), known(run.cpu_seconds, f.seconds)],
    [t('run.memory'), known(run.peak_memory_bytes, f.bytes)], [t('run.machine'), t('run.workers', { n: run.workers, cpus: f.int(run.cpus) })],
    [t('file.bytes'), f.bytes(run.bytes)], [t('run.decoded'), f.bytes(run.bytes_decoded)], [t('run.as_of'), f.day(run.as_of)], [t('run.program'), h('span', null, 'Écluse ', bdi(facts.program))], [t('run.generated'), f.time(facts.generated)],
  ], 'many'));
}

function stages(): HTMLElement {
  const all = facts.run.stages;
  if (!all.length) return card(t('stages.title'), empty(t('stages.none')));
  const name = (i: number) => word('stage', all[i]!.name);
  return figure({
    id: 'stages', title: t('stages.title'), height: Math.max(140, all.length * 30 + 48), wide: true,
    summary: t('stages.summary', { n: all.length, name: visible(name(all.reduce((best, stage, i) => (stage.seconds > all[best]!.seconds ? i : best), 0))) }),
    option: (p, width) => ({
      tooltip: tooltip(p, ({ dataIndex: i }) => tip(name(i), [[t('stages.start'), f.seconds(all[i]!.start)], [t('run.took'), f.seconds(all[i]!.seconds)], [t('run.cpu'), f.seconds(all[i]!.cpu_seconds)]]), 'item') as any,
      grid: { left: 8, right: 64, top: 8, bottom: 4, containLabel: true },
      xAxis: axis(p, { type: 'value', min: 0, axisLabel: { color: p.soft, hideOverlap: true, formatter: (x: number) => (x ? f.seconds(x) : '0') } }),
      yAxis: axis(p, { type: 'category', inverse: true, data: all.map((_, i) => cut(name(i), width < 500 ? 14 : 26)), axisLabel: { color: p.fg } }),
      series: [{ type: 'bar', stack: 'time', silent: true, data: all.map((stage) => stage.start), itemStyle: { color: 'transparent' }, barMaxWidth: 16 },
        { type: 'bar', stack: 'time', data: all.map((stage) => stage.seconds), itemStyle: { color: p.series[0], borderRadius: 3 }, barMinHeight: 2, barMaxWidth: 16, label: { show: true, position: 'right', color: p.fg, formatter: ({ dataIndex: i }: any) => f.seconds(all[i]!.seconds) } }],
    }) as any,
    table: () => ({ head: [t('stage'), t('stages.start'), t('run.took'), t('run.cpu')], numeric: [1, 2, 3], rows: all.map((stage, i) => [bdi(name(i)), f.seconds(stage.start), f.seconds(stage.seconds), f.seconds(stage.cpu_seconds)]) }),
  });
}

/* The last thirty runs, or all of the history, as one figure of two measures. */
function past(o: { id: string; title: string; note?: string; all?: boolean; lines: { name: string; data: (number | null)[]; how: (x: number | null) => string; right?: boolean; bar?: boolean; stack?: string; tone?: 'ok' | 'bad' | 'warn' }[] }): HTMLElement {
  const runs = facts.runs, count = runs.id.length, from = o.all ? 0 : Math.max(0, count - 30);
  if (count < 2) return card(o.title, empty(t('unknown.runs', { n: 2 })));
  if (o.lines.every((line) => line.data.slice(from).every((x) => x === null))) return card(o.title, empty(t('unknown.measure')));
  const labels = runs.started.slice(from), lines = o.lines.map((line) => ({ ...line, data: line.data.slice(from) }));
  return figure({
    id: o.id, title: o.title, height: 230, summary: t('series.summary', { title: o.title, names: lines.map((line) => line.name).join(', '), n: labels.length }), ...(o.note ? { note: o.note } : {}), ...(o.all ? { wide: true } : {}),
    option: (p) => ({
      tooltip: tooltip(p, (all) => tip(f.time(labels[all[0].dataIndex]), lines.map((line, i) => [line.name, line.how(line.data[all[0].dataIndex] ?? null), line.tone ? p[line.tone] : p.series[i]]))) as any,
      ...(lines.length > 1 ? { legend: legend(p, { data: lines.map((line) => line.name), type: 'scroll' }) } : {}), grid: { left: 8, right: 28, top: lines.length > 1 ? 36 : 12, bottom: 4, containLabel: true },
      xAxis: axis(p, { type: 'category', data: labels.map(o.all ? f.day : f.timeShort) }),
      yAxis: [false, true].filter((right) => !right || lines.some((line) => line.right)).map((right) => { const line = lines.find((one) => Boolean(one.right) === right); return axis(p, { type: 'value', splitNumber: 4, scale: !line?.bar, splitLine: { show: !right, lineStyle: { color: p.line } }, axisLabel: { color: p.soft, formatter: (x: number) => line?.how(x) ?? String(x) } }); }),
      series: lines.map((line, i) => ({ name: line.name, type: line.bar ? 'bar' : 'line', data: line.data, yAxisIndex: line.right ? 1 : 0, showSymbol: labels.length < 40 && !line.bar, symbolSize: 5, barMaxWidth: 18, ...(labels.length > 200 ? { sampling: 'lttb' } : {}), ...(line.stack ? { stack: line.stack } : {}), itemStyle: { color: line.tone ? p[line.tone] : p.series[i] }, lineStyle: { width: labels.length > 200 ? 1.2 : 2 } })),
    }) as any,
    table: () => ({ head: [t('run'), ...lines.map((line) => line.name)], numeric: lines.map((_, i) => i + 1), rows: labels.map((at, i) => [f.time(at), ...lines.map((line) => line.how(line.data[i] ?? null))]) }),
  });
}

function runsTable(): HTMLElement {
  const r = facts.runs;
  const rows = r.id.map((id, i) => ({ id, i })).reverse();
  const many = grid<{ id: string; i: number }>({
    id: 'runs', label: t('runs.title'), rows, empty: t('unknown.runs', { n: 1 }),
    columns: [
      { id: 'started', head: t('run.started'), width: 160, cell: ({ id, i }) => h('span', { title: visible(id) }, f.time(r.started[i])), sort: ({ i }) => r.started[i] ?? null },
      { id: 'verdict', head: t('status'), width: 134, cell: ({ i }) => badge(r.verdict[i] as Verdict), sort: ({ i }) => r.verdict[i] ?? null },
      { id: 'score', head: t('score'), width: 76, number: true, from: 420, cell: ({ i }) => known(r.score[i] ?? null, f.score), sort: ({ i }) => r.score[i] ?? null },
      { id: 'files', head: t('tile.passed'), width: 110, number: true, from: 700, cell: ({ i }) => t('tile.of', { n: f.int(r.passed[i]), total: f.int(r.files[i]) }), sort: ({ i }) => r.passed[i] ?? null },
      { id: 'read', head: t('rows.read'), width: 110, number: true, from: 520, cell: ({ i }) => f.int(r.read[i]), sort: ({ i }) => r.read[i] ?? null },
      { id: 'quarantined', head: t('rows.quarantined'), width: 116, number: true, from: 640, cell: ({ i }) => f.int(r.quarantined[i]), sort: ({ i }) => r.quarantined[i] ?? null },
      { id: 'duplicate', head: t('rows.duplicate'), width: 100, number: true, from: 1000, cell: ({ i }) => f.int(r.duplicate[i]), sort: ({ i }) => r.duplicate[i] ?? null },
      { id: 'took', head: t('run.took'), width: 96, number: true, from: 800, cell: ({ i }) => known(r.seconds[i] ?? null, f.seconds), sort: ({ i }) => r.seconds[i] ?? null },
      { id: 'memory', head: t('run.memory'), width: 110, number: true, from: 1100, cell: ({ i }) => known(r.peak_memory_bytes[i] ?? null, f.bytes), sort: ({ i }) => r.peak_memory_bytes[i] ?? null },
    ],
  });
  return card(t('runs.title'), h('p', { class: 'note' }, t('runs.note', { n: r.id.length, n_text: f.int(r.id.length), total: f.int(r.total) })), many.element);
}

/* Layers from left to right; files beyond a dozen of a table are drawn as one. */
function lineage(): HTMLElement {
  const { nodes, edges } = facts.lineage;
  if (!nodes.length) return card(t('lineage.title'), empty(t('lineage.none')));
  type Drawn = { label: string; full: string; kind: string; rows: number | null; version: number | null; layer: number; count: number };
  const drawn: Drawn[] = [], place = new Map<number, number>(), filesOf = new Map<number, number[]>();
  for (const [from, to] of edges) if (nodes[from]?.kind === 'file') filesOf.set(to, [...(filesOf.get(to) ?? []), from]);
  for (const [to, list] of filesOf) {
    if (list.length <= 6) continue;
    drawn.push({ label: t('lineage.files', { n: list.length, n_text: f.int(list.length) }), full: `${t('lineage.files', { n: list.length, n_text: f.int(list.length) })} → ${nodes[to]?.id ?? ''}`, kind: 'file', rows: list.reduce<number | null>((sum, i) => (sum === null || nodes[i]!.rows === null ? null : sum + nodes[i]!.rows!), 0), version: null, layer: 0, count: list.length });
    for (const i of list) place.set(i, drawn.length - 1);
  }
  nodes.forEach((node, i) => {
    if (place.has(i)) return;
    place.set(i, drawn.length);
    drawn.push({ label: node.id.split('/').slice(node.kind === 'file' ? -1 : 0).join('/'), full: node.id, kind: node.kind, rows: node.rows, version: node.version, layer: node.kind === 'file' ? 0 : 1, count: 1 });
  });
  const links = [...new Set(edges.map(([from, to]) => `${place.get(from)},${place.get(to)}`))].map((text) => text.split(',').map(Number) as [number, number]).filter(([a, b]) => drawn[a] && drawn[b] && a !== b);
  for (let round = 0; round < 12; round++) for (const [a, b] of links) if (drawn[b]!.kind !== 'file' && drawn[b]!.layer <= drawn[a]!.layer) drawn[b]!.layer = Math.min(12, drawn[a]!.layer + 1);
  const layers = Math.max(...drawn.map((node) => node.layer)) + 1;
  // Files stand in the order of the tables that they go into.
  const target = (i: number) => links.find(([from]) => from === i)?.[1] ?? 0;
  const layer = (n: number) => drawn.map((node, i) => ({ node, i })).filter(({ node }) => node.layer === n).sort((a, b) => (n === 0 ? target(a.i) - target(b.i) : 0) || a.i - b.i);
  const tallest = Math.max(...Array.from({ length: layers }, (_, n) => layer(n).length));
  return figure({
    id: 'lineage', title: t('lineage.title'), note: t('lineage.note'), wide: true, height: Math.max(220, Math.min(1200, tallest * 30 + 40)), minWidth: layers * 190,
    summary: t('lineage.summary', { files: f.int(nodes.filter((node) => node.kind === 'file').length), tables: f.int(nodes.filter((node) => node.kind === 'table').length), models: f.int(nodes.filter((node) => node.kind === 'model').length) }),
    option: (p, width) => {
      const high = Math.max(220, Math.min(1200, tallest * 30 + 40)), colours: Record<string, string | undefined> = { file: p.soft, table: p.series[0], model: p.series[1] };
      const placed = drawn.map((node, i) => {
        const mates = layer(node.layer), at = mates.findIndex((one) => one.i === i);
        return { name: String(i), x: 20 + (node.layer * (width - 200)) / Math.max(1, layers - 1), y: ((at + 0.5) * (high - 16)) / mates.length + 8 };
      });
      return {
        tooltip: tooltip(p, ({ dataType, data }) => { if (dataType !== 'node') return ''; const node = drawn[Number(data.name)]!; return tip(node.full, [[t('lineage.kind'), t(`lineage.${node.kind as 'file'}`)], [t('rows.head'), f.int(node.rows)], ...(node.version === null ? [] : [[t('lineage.version'), f.int(node.version)] as [string, string]])]); }, 'item') as any,
        series: [{ type: 'graph', layout: 'none', left: 12, right: 170, top: 20, bottom: 20, roam: false, symbolSize: 11, emphasis: { focus: 'adjacency' }, edgeSymbol: ['none', 'arrow'], edgeSymbolSize: 6,
          data: placed.map((one, i) => ({ ...one, symbol: drawn[i]!.kind === 'file' ? 'rect' : drawn[i]!.kind === 'table' ? 'roundRect' : 'circle', itemStyle: { color: colours[drawn[i]!.kind] }, label: { show: true, position: 'right', color: p.fg, fontSize: 12, formatter: () => cut(drawn[i]!.label, 24) } })),
          links: links.map(([source, target]) => ({ source, target })), lineStyle: { color: p.soft, opacity: 0.45, curveness: 0.08 } }],
      } as any;
    },
    table: () => ({ head: [t('lineage.name'), t('lineage.kind'), t('rows.head'), t('lineage.version'), t('lineage.from')], numeric: [2, 3],
      rows: nodes.map((node, i) => { const from = edges.filter(([, to]) => to === i).map(([a]) => nodes[a]?.id ?? ''); return [bdi(node.id), t(`lineage.${node.kind}`), f.int(node.rows), f.int(node.version), from.length ? bdi(from.slice(0, 4).join(', ') + (from.length > 4 ? ` (+${from.length - 4})` : '')) : f.DASH]; }) }),
  });
}

function tables(): HTMLElement | null {
  const written = facts.lineage.nodes.filter((node) => node.kind !== 'file');
  if (!written.length) return null;
  return card(t('tables.title'), simpleTable({ caption: t('tables.title'), head: [t('lineage.name'), t('lineage.kind'), t('tables.rows'), t('lineage.version')], numeric: [2, 3],
    rows: written.map((node) => [bdi(node.id), t(`lineage.${node.kind}`), node.rows === null ? unknown() : f.int(node.rows), node.version === null ? unknown() : f.int(node.version)]) }));
}

function archives(): HTMLElement {
  if (!facts.archives.length) return card(t('archives.title'), empty(t('archives.none')));
  return card(t('archives.title'), simpleTable({ caption: t('archives.title'), head: [t('file'), t('archives.verified'), t('files'), t('file.bytes'), t('archives.stored')], numeric: [2, 3, 4],
    rows: facts.archives.map((one) => [bdi(one.path), h('span', { class: `badge ${one.verified ? 'ok' : 'warn'}` }, icon(one.verified ? 'passed' : 'warned', 12), t(one.verified ? 'yes' : 'no')), f.int(one.files), f.bytes(one.bytes), f.bytes(one.bytes_stored)]) }));
}

function alerts(): HTMLElement {
  if (!facts.alerts.length) return card(t('alerts.title'), empty(t('alerts.none')));
  const note = facts.alerts_at ? h('p', { class: 'note' }, t('alerts.as_of', { when: f.time(facts.alerts_at) })) : null;
  return card(t('alerts.title'), note, simpleTable({ caption: t('alerts.title'), head: [t('alerts.at'), t('status'), t('alerts.type'), t('alerts.target'), t('alerts.message')],
    rows: facts.alerts.map((one) => [h('span', { class: 'nowrap' }, f.timeShort(one.at)), badge(one.status, 'alert'), bdi(one.type), bdi(one.target), one.message === null ? f.DASH : bdi(one.message)]) }));
}

export function run(): HTMLElement {
  const r = facts.runs;
  return h('div', { class: 'view' }, figures(), stages(),
    h('div', { class: 'figures-grid' },
      past({ id: 'runs-rows', title: t('runs.rows'), lines: [{ name: t('rows.accepted'), data: r.accepted, how: f.compact, bar: true, stack: 'rows', tone: 'ok' }, { name: t('rows.quarantined'), data: r.quarantined, how: f.compact, bar: true, stack: 'rows', tone: 'bad' }, { name: t('rows.duplicate'), data: r.duplicate, how: f.compact, bar: true, stack: 'rows', tone: 'warn' }] }),
      past({ id: 'runs-time', title: t('runs.time'), lines: [{ name: t('run.took'), data: r.seconds, how: f.seconds }, { name: t('run.cpu'), data: r.cpu_seconds, how: f.seconds }] }),
      past({ id: 'runs-rate', title: t('run.rate'), lines: [{ name: t('run.rate'), data: r.rows_per_second, how: f.compact }] }),
      past({ id: 'runs-memory', title: t('run.memory'), lines: [{ name: t('run.memory'), data: r.peak_memory_bytes, how: f.bytes }] }),
      r.id.length > 30 ? past({ id: 'runs-score', title: t('runs.score'), all: true, lines: [{ name: t('score'), data: r.score, how: f.score }] }) : null),
    runsTable(), lineage(), h('div', { class: 'cols even' }, tables(), h('div', { class: 'stack' }, archives(), alerts())));
}
