/* What the views are made of: marks, badges, cards, small lines, filters. */
import type { Verdict } from './facts';
import { facts } from './data';
import { bdi, h, svg, type Child } from './dom';
import { simpleTable, type Cell } from './table';
import { t, word } from './i18n';

type Shape = 'tick' | 'triangle' | 'cross' | 'dash' | 'dot' | 'unread';
const SHAPES: Record<string, Shape> = {
  passed: 'tick', warned: 'triangle', failed: 'cross', errored: 'unread', skipped: 'dash', noted: 'dot',
  info: 'dot', warn: 'triangle', error: 'cross', critical: 'cross',
  sent: 'tick', pending: 'triangle', suppressed: 'dash', ok: 'tick', anomalous: 'triangle', cold: 'dash',
};
const TONES: Record<string, string> = {
  passed: 'ok', warned: 'warn', failed: 'bad', errored: 'bad', skipped: 'none', noted: 'none',
  info: 'none', warn: 'warn', error: 'bad', critical: 'bad', sent: 'ok', pending: 'warn', suppressed: 'none', ok: 'ok', anomalous: 'warn', cold: 'none',
};

export const tone = (name: string): string => TONES[name] ?? 'none';

/* A shape for each meaning, so that it does not hang on colour. */
export function icon(name: string, size = 16): SVGElement {
  const shape = SHAPES[name] ?? 'dot';
  const stroke = { fill: 'none', stroke: 'var(--card)', 'stroke-width': 2.2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  const inside: Record<Shape, Child[]> = {
    tick: [svg('circle', { cx: 12, cy: 12, r: 11, fill: 'currentColor' }), svg('path', { d: 'M7 12.5l3.5 3.5L17 9', ...stroke })],
    triangle: [svg('path', { d: 'M12 1.6L23.4 21.6H.6z', fill: 'currentColor', 'stroke-linejoin': 'round' }), svg('path', { d: 'M12 9v5.5M12 18v.1', ...stroke })],
    cross: [svg('path', { d: 'M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z', fill: 'currentColor' }), svg('path', { d: 'M8 8l8 8M16 8l-8 8', ...stroke })],
    unread: [svg('path', { d: 'M12 .6L23.4 12 12 23.4.6 12z', fill: 'currentColor' }), svg('path', { d: 'M12 7v6M12 16.6v.1', ...stroke })],
    dash: [svg('circle', { cx: 12, cy: 12, r: 10, fill: 'none', stroke: 'currentColor', 'stroke-width': 2 }), svg('path', { d: 'M7.5 12h9', fill: 'none', stroke: 'currentColor', 'stroke-width': 2.2, 'stroke-linecap': 'round' })],
    dot: [svg('circle', { cx: 12, cy: 12, r: 6, fill: 'currentColor' })],
  };
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true', focusable: 'false' }, inside[shape]);
}

export function badge(name: string, prefix: 'verdict' | 'status' | 'severity' | 'alert' | 'anomaly' = 'verdict'): HTMLElement {
  return h('span', { class: `badge ${tone(name)}`, 'data-status': name }, icon(name, 12), word(prefix, name));
}

export function verdictBadge(verdict: Verdict): HTMLElement {
  return badge(verdict, 'verdict');
}

export function card(title: Child, ...children: Child[]): HTMLElement {
  return h('section', { class: 'card' }, title ? h('div', { class: 'cardhead' }, h('h3', null, title)) : null, children);
}

export function empty(text: string): HTMLElement {
  return h('p', { class: 'empty' }, text);
}

/* "not known yet: needs 7 runs" */
export function unknown(reason?: string): HTMLElement {
  return h('span', { class: 'unknown', title: reason ?? t('unknown.title') }, '–', h('span', { class: 'sr' }, reason ?? t('unknown.title')));
}

export function factsList(pairs: [string, Child][], className = ''): HTMLElement {
  return h('dl', { class: `facts ${className}` }, pairs.map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}

/* A small line of figures, oldest first; gaps where one is unknown. The last is marked. */
export function sparkline(values: (number | null)[], label: string, className = ''): SVGElement | HTMLElement {
  const known = values.filter((x): x is number => x !== null);
  if (known.length < 2) return h('span', { class: 'spark none' }, t('unknown.runs', { n: 2 }));
  const low = Math.min(...known), high = Math.max(...known), span = high - low || 1;
  const x = (i: number) => 2 + (i * 116) / Math.max(1, values.length - 1);
  const y = (value: number) => (high === low ? 16 : 29 - ((value - low) / span) * 26);
  let path = '', pen = false, end: [number, number] | null = null, points = 0;
  values.forEach((value, i) => {
    if (value === null) {
      pen = false;
      return;
    }
    path += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
    points++;
    end = [x(i), y(value)];
  });
  const last = end as [number, number] | null;
  return svg('svg', { class: `spark ${className}`, viewBox: '0 0 122 32', preserveAspectRatio: 'none', role: 'img', 'aria-label': label, 'data-points': points },
    svg('path', { d: path, fill: 'none', 'vector-effect': 'non-scaling-stroke' }),
    last ? svg('path', { d: `M${last[0].toFixed(1)} ${last[1].toFixed(1)}h.01`, class: 'end', fill: 'none', 'vector-effect': 'non-scaling-stroke' }) : null);
}

/* A bar of a share, with its figure beside it as text. */
export function meter(share: number | null, className = 'accent'): HTMLElement {
  const bar = h('span', { class: `bar ${className}`, 'aria-hidden': 'true' }, h('i'));
  (bar.firstChild as HTMLElement).style.width = `${Math.max(0, Math.min(1, share ?? 0)) * 100}%`;
  return bar;
}

export interface Choice { value: string; label: string }

export function select(label: string, value: string, choices: Choice[], onChange: (value: string) => void): HTMLElement {
  const field = h('select', { on: { change: () => onChange(field.value) } },
    choices.map((choice) => h('option', { value: choice.value, selected: choice.value === value }, choice.label)));
  return h('label', { class: 'field' }, h('span', null, label), field);
}

export function search(label: string, value: string, onInput: (value: string) => void): HTMLElement {
  const field = h('input', { type: 'search', value, autocomplete: 'off', spellcheck: 'false', class: 'filter', placeholder: t('filter.hint'),
    'aria-keyshortcuts': '/', on: { input: () => onInput(field.value) } });
  return h('label', { class: 'field grow' }, h('span', null, label), field);
}

export function sources(): Choice[] {
  return [{ value: '', label: t('filter.all') }, ...facts.sources.map((source) => ({ value: source.name, label: source.name }))];
}

export function disclosure(summary: string, head: string[], rows: () => Cell[][], numeric?: number[]): HTMLElement {
  const details = h('details', { class: 'figures' }, h('summary', null, summary));
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(simpleTable({ caption: summary, head, rows: rows(), ...(numeric ? { numeric } : {}) }));
  });
  return details;
}

export function texts(items: string[], most = 6): HTMLElement {
  return h('ul', { class: 'plain' }, items.slice(0, most).map((text) => h('li', null, bdi(text))),
    items.length > most ? h('li', { class: 'soft' }, t('more', { n: items.length - most })) : null);
}
