/* How each source went over the last runs: score, rows, share set aside. */
import type { Source } from '../facts';
import { facts } from '../data';
import { axis, figure, legend, tip, tooltip } from '../chart';
import { h, visible } from '../dom';
import * as f from '../format';
import { t } from '../i18n';
import { card, empty, select } from '../parts';

type Measure = 'score' | 'read' | 'share';
const MEASURES: Measure[] = ['score', 'read', 'share'];
const RUNS = 60, DRAWN = 6;

function valueOf(source: Source, measure: Measure, i: number): number | null {
  const past = source.history, read = past.read[i] ?? 0;
  if (measure === 'score') return past.score[i] ?? null;
  if (measure === 'read') return past.read[i] ?? null;
  return read > 0 ? (past.quarantined[i] ?? 0) / read : null;
}

const HOW: Record<Measure, (x: number | null) => string> = { score: f.score, read: f.int, share: f.share };

/* A place for each of the last runs, null where the source had no file. */
function series(source: Source, measure: Measure, first: number): (number | null)[] {
  const values: (number | null)[] = Array.from({ length: facts.runs.id.length - first }, () => null);
  source.history.run.forEach((run, i) => { if (run >= first) values[run - first] = valueOf(source, measure, i); });
  return values;
}

function chart(measure: Measure, onChange: (measure: Measure) => void): HTMLElement {
  const first = Math.max(0, facts.runs.id.length - RUNS), started = facts.runs.started.slice(first), how = HOW[measure];
  const all = facts.sources.filter((source) => source.history.run.some((run) => run >= first))
    .map((source) => ({ name: source.name, rows: source.history.read.reduce((sum, x) => sum + x, 0), data: series(source, measure, first) }));
  const drawn = [...all].sort((a, b) => b.rows - a.rows).slice(0, DRAWN);
  return figure({
    id: 'source-trend', title: t('trend.title'), wide: true, height: 280, ...(all.length > DRAWN ? { note: t('trend.cut', { n: DRAWN }) } : {}),
    summary: t('trend.summary', { measure: t(`trend.${measure}`), sources: f.int(all.length), n: started.length }),
    controls: select(t('trend.measure'), measure, MEASURES.map((one) => ({ value: one, label: t(`trend.${one}`) })), (value) => onChange(value as Measure)),
    option: (p) => ({
      tooltip: tooltip(p, (points) => tip(f.time(started[points[0].dataIndex]), drawn.map((one, i) => [one.name, how(one.data[points[0].dataIndex] ?? null), p.series[i]]))) as any,
      legend: legend(p, { type: 'scroll', data: drawn.map((one) => visible(one.name)) }),
      grid: { left: 8, right: 44, top: 36, /* the last label is as wide as that on either side */ bottom: 4, containLabel: true },
      xAxis: axis(p, { type: 'category', boundaryGap: false, data: started.map((at) => f.timeShort(at)) }),
      yAxis: axis(p, { type: 'value', scale: measure === 'score', ...(measure === 'score' ? { max: 100 } : { min: 0 }), splitNumber: 4, axisLabel: { color: p.soft, formatter: (x: number) => (measure === 'read' ? f.compact(x) : how(x)) } }),
      series: drawn.map((one, i) => ({ name: visible(one.name), type: 'line', data: one.data, connectNulls: true, showSymbol: one.data.length < 40, symbolSize: 5, emphasis: { focus: 'series' },
        itemStyle: { color: p.series[i] }, lineStyle: { width: 2, type: i < 3 ? 'solid' : 'dashed' } })),
    }) as any,
    table: () => ({ head: [t('run'), ...all.map((one) => one.name)], numeric: all.map((_, i) => i + 1), rows: started.map((at, i) => [f.time(at), ...all.map((one) => how(one.data[i] ?? null))]) }),
  });
}

export function sourceTrend(): HTMLElement {
  if (facts.runs.id.length < 2 || !facts.sources.some((source) => source.history.run.length > 1)) return card(t('trend.title'), empty(t('trend.none')));
  const box = h('div', null);
  const draw = (measure: Measure) => {
    box.replaceChildren(chart(measure, draw));
    box.querySelector('select')?.focus({ preventScroll: true });
  };
  box.append(chart('score', draw));
  return box;
}
