/* A figure: a title, a chart drawn when it comes into sight, and the same figures as a table behind a button. */
import { clear, h, visible, type Child } from './dom';
import { init, type ECharts, type EChartsOption } from './echarts';
import { t } from './i18n';
import { simpleTable, type Cell } from './table';

export interface Palette {
  fg: string; soft: string; line: string; card: string; accent: string; ok: string; warn: string; bad: string;
  series: string[]; scale: string[];
}

export interface FigureTable { head: string[]; rows: Cell[][]; numeric?: number[] }

export interface FigureOptions {
  id: string;
  title: string;
  note?: Child;
  summary: string; // what the chart shows, in words
  height?: number;
  minWidth?: number; // below it the figure scrolls by itself
  option: (palette: Palette, width: number) => EChartsOption;
  table: () => FigureTable;
  onClick?: (params: { name: string; dataIndex: number; seriesIndex: number }) => void;
  controls?: Child;
  wide?: boolean;
}

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function palette(): Palette {
  return {
    fg: css('--fg'), soft: css('--soft'), line: css('--line'), card: css('--card'), accent: css('--accent'),
    ok: css('--ok'), warn: css('--warn'), bad: css('--bad'),
    series: [1, 2, 3, 4, 5, 6].map((i) => css(`--s${i}`)), scale: [0, 1, 2, 3, 4].map((i) => css(`--q${i}`)),
  };
}

export const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches || document.documentElement.classList.contains('printing');

/* The tooltip's lines as elements of ours: its texts are text nodes, its style a class. */
export function tip(title: string, lines: [string, string, string?][]): HTMLElement {
  return h('div', { class: 'tip' }, h('strong', null, visible(title)),
    lines.map(([name, value, colour]) => {
      const mark = colour ? h('i', { class: 'dot' }) : null;
      if (mark && colour) mark.style.background = colour;
      return h('div', null, mark, h('span', null, visible(name)), h('b', null, visible(value)));
    }));
}

export function tooltip(p: Palette, formatter: (params: any) => HTMLElement | string, trigger: 'axis' | 'item' = 'axis'): object {
  return {
    trigger, formatter, confine: true, renderMode: 'html', backgroundColor: p.card, borderColor: p.line, padding: 0,
    textStyle: { color: p.fg, fontSize: 12 }, transitionDuration: 0,
    axisPointer: { type: 'line', lineStyle: { color: p.soft }, label: { show: false } },
  };
}

export function base(p: Palette): EChartsOption {
  return {
    animation: !still(), animationDuration: 300, backgroundColor: 'transparent', color: p.series,
    textStyle: { color: p.soft, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
    grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
  };
}

export function axis(p: Palette, more: object = {}): any {
  return {
    axisLine: { lineStyle: { color: p.line } }, axisTick: { show: false }, splitLine: { lineStyle: { color: p.line } },
    axisLabel: { color: p.soft, hideOverlap: true }, nameTextStyle: { color: p.soft, align: 'left' }, ...more,
  };
}

export function legend(p: Palette, more: object = {}): any {
  return { top: 0, left: 0, itemWidth: 12, itemHeight: 8, textStyle: { color: p.soft }, inactiveColor: p.line, ...more };
}

/* Cut for an axis; the tooltip and the table hold the whole. */
export function cut(text: string, length = 22): string {
  const shown = [...visible(text)];
  return shown.length <= length ? shown.join('') : `${shown.slice(0, length - 1).join('')}…`;
}

interface Live { element: HTMLElement; chart: ECharts | null; draw: () => void; drop: () => void }
const live = new Set<Live>();

const sight = 'IntersectionObserver' in window
  ? new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) for (const one of live) if (one.element === entry.target && !one.chart) one.draw();
  }, { rootMargin: '240px' })
  : null;
const sizes = 'ResizeObserver' in window
  ? new ResizeObserver((entries) => {
    for (const entry of entries) for (const one of live) {
      if (one.element === entry.target && one.chart && one.element.clientWidth && one.chart.getWidth() !== one.element.clientWidth) one.draw();
    }
  })
  : null;

export function dropCharts(): void {
  for (const one of live) one.drop();
  live.clear();
}

/* In another theme or for paper: drawn again, at once. */
export function redrawCharts(all: boolean): void {
  for (const one of live) if (one.chart || all) one.draw();
}

export function figure(o: FigureOptions): HTMLElement {
  const canvas = h('div', { class: 'canvas', role: 'img', 'aria-label': o.summary, id: `chart-${o.id}` });
  canvas.style.height = `${o.height ?? 280}px`;
  if (o.minWidth) canvas.style.minWidth = `${o.minWidth}px`;
  const stage = h('div', { class: 'stage' }, canvas);
  if (o.minWidth) stage.setAttribute('tabindex', '0'), stage.setAttribute('role', 'group'), stage.setAttribute('aria-label', o.title);
  const tableBox = h('div', { class: 'figure-table', id: `table-${o.id}`, hidden: true });
  const toggle = h('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false', 'aria-controls': `table-${o.id}`,
    'aria-label': `${t('figure.table')}: ${o.title}` }, t('figure.table'));
  const one: Live = {
    element: canvas,
    chart: null,
    draw() {
      if (!canvas.clientWidth) return;
      const p = palette();
      if (one.chart) one.chart.dispose();
      one.chart = init(canvas, null, { renderer: 'canvas', devicePixelRatio: Math.max(document.documentElement.classList.contains('printing') ? 2 : 1, window.devicePixelRatio || 1) });
      one.chart.setOption({ ...base(p), ...o.option(p, canvas.clientWidth) });
      if (o.onClick) one.chart.on('click', (event: any) => o.onClick!(event));
      if (still()) one.chart.getZr().flush();
      canvas.dataset['drawn'] = '1';
    },
    drop() {
      sight?.unobserve(canvas);
      sizes?.unobserve(canvas);
      one.chart?.dispose();
      one.chart = null;
    },
  };
  toggle.addEventListener('click', () => {
    const show = tableBox.hidden;
    if (show && !tableBox.firstChild) {
      const table = o.table();
      tableBox.append(simpleTable({ caption: o.title, ...table }));
    }
    tableBox.hidden = !show;
    stage.hidden = show;
    toggle.setAttribute('aria-pressed', String(show));
    if (!show && !one.chart) one.draw();
  });
  live.add(one);
  sight?.observe(canvas);
  sizes?.observe(canvas);
  if (!sight) requestAnimationFrame(() => one.draw());
  return h('figure', { class: o.wide ? 'card figure wide' : 'card figure', 'data-figure': o.id },
    h('figcaption', null, h('h3', null, o.title), h('div', { class: 'tools' }, o.controls, toggle)),
    o.note ? h('p', { class: 'note' }, o.note) : null, stage, tableBox);
}

export { clear };
