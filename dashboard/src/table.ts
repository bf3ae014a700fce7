/* Tables: a plain one, and one for thousands of rows, of which only those in sight are elements.
 *
 * The long one is a grid to screen readers, with the true number of rows. One row at a time takes the focus: arrows,
 * Page Up and Down, Home and End move it, Enter opens it. A click on a head sorts. */
import { h, type Child } from './dom';
import { int } from './format';
import { t } from './i18n';

export type Cell = Child;
const ROW = 40; // pixels, as in the style sheet
const WINDOW = 12; // rows drawn beyond what is in sight
const VIRTUAL = 24; // rows from which on it is worth it
export const PRINTED = 200; // rows of a table on paper

export function simpleTable(o: { caption: string; head: string[]; rows: Cell[][]; numeric?: number[]; label?: string }): HTMLElement {
  const numeric = new Set(o.numeric ?? []);
  const many = o.rows.length > 400;
  const rows = many ? o.rows.slice(-400) : o.rows;
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': o.caption },
    h('table', null,
      h('caption', { class: 'sr' }, o.caption),
      h('thead', null, h('tr', null, o.head.map((text, i) => h('th', { scope: 'col', class: numeric.has(i) ? 'n' : null }, text)))),
      h('tbody', null,
        rows.map((row) => h('tr', null, row.map((cell, i) => i === 0
          ? h('th', { scope: 'row', class: numeric.has(i) ? 'n' : null }, cell)
          : h('td', { class: numeric.has(i) ? 'n' : null }, cell)))))),
    many ? h('p', { class: 'note' }, t('table.last', { n: 400, total: int(o.rows.length) })) : null);
}

export interface Column<R> {
  id: string;
  head: string;
  width: number; // pixels; the first column takes what is left
  number?: boolean;
  from?: number; // shown where the page is at least that wide
  cell: (row: R) => Cell;
  sort?: (row: R) => number | string | null;
}

export interface GridOptions<R> {
  id: string;
  label: string;
  columns: Column<R>[];
  rows: R[];
  empty: string;
  sort?: { id: string; down: boolean };
  onOpen?: (row: R) => void;
  selected?: (row: R) => boolean;
}

export interface Grid<R> { element: HTMLElement; setRows: (rows: R[]) => void; refresh: () => void }

function compare(a: number | string | null, b: number | string | null): number {
  if (a === b) return 0;
  if (a === null) return 1; // unknown last
  if (b === null) return -1;
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

export function grid<R>(o: GridOptions<R>): Grid<R> {
  const width = document.documentElement.clientWidth;
  const columns = o.columns.filter((column) => !column.from || width >= column.from || printing());
  let rows = o.rows, order: R[] = [], sort = o.sort ?? null, focus = 0;
  const body = h('tbody');
  const heads = columns.map((column) => {
    const head = column.sort
      ? h('button', { type: 'button', on: { click: () => sortBy(column.id) } }, column.head, h('span', { class: 'arrow', 'aria-hidden': 'true' }))
      : column.head;
    return h('th', { scope: 'col', role: 'columnheader', class: column.number ? 'n' : null }, head);
  });
  const group = h('colgroup', null, columns.map((column, i) => {
    const col = h('col');
    if (i > 0) col.style.width = `${column.width}px`;
    return col;
  }));
  const table = h('table', { role: 'grid', class: 'grid', id: `grid-${o.id}`, 'aria-label': o.label, 'aria-colcount': columns.length,
    'aria-readonly': 'true' }, group, h('thead', { role: 'rowgroup' }, h('tr', { role: 'row', 'aria-rowindex': 1 }, heads)), body);
  table.style.minWidth = `${columns.reduce((sum, column) => sum + column.width, 0)}px`;
  body.setAttribute('role', 'rowgroup');
  const box = h('div', { class: 'gridbox', tabindex: -1 }, table);
  const none = h('p', { class: 'empty', hidden: true }, o.empty);
  const more = h('p', { class: 'note', hidden: true });
  const element = h('div', { class: 'griddy' }, box, none, more);

  function printing(): boolean {
    return document.documentElement.classList.contains('printing');
  }

  function sortBy(id: string): void {
    const column = columns.find((one) => one.id === id);
    const down = sort?.id === id ? !sort.down : Boolean(column?.number);
    sort = { id, down };
    arrange();
    box.scrollTop = 0;
    focus = 0;
    draw(true);
  }

  function arrange(): void {
    const column = sort && columns.find((one) => one.id === sort!.id);
    order = rows;
    if (column?.sort && sort) {
      const by = column.sort, sign = sort.down ? -1 : 1;
      order = rows.map((row, i) => ({ row, i, key: by(row) })).sort((a, b) => {
        if (a.key === null || b.key === null) return compare(a.key, b.key) || a.i - b.i;
        return sign * compare(a.key, b.key) || a.i - b.i;
      }).map((one) => one.row);
    }
    heads.forEach((head, i) => {
      if (!columns[i]!.sort) return;
      const is = sort?.id === columns[i]!.id;
      head.setAttribute('aria-sort', is ? (sort!.down ? 'descending' : 'ascending') : 'none');
    });
    table.setAttribute('aria-rowcount', String(order.length + 1));
    none.hidden = order.length > 0;
    box.hidden = order.length === 0;
    box.classList.toggle('virtual', order.length > VIRTUAL && !printing());
    if (focus >= order.length) focus = Math.max(0, order.length - 1);
  }

  let first = -1, last = -1;

  function rowElement(row: R, i: number): HTMLElement {
    const tr = h('tr', { role: 'row', 'aria-rowindex': i + 2, tabindex: i === focus ? 0 : -1, 'data-row': i,
      'aria-selected': o.selected ? String(o.selected(row)) : null, class: o.onOpen ? 'opens' : null });
    columns.forEach((column, k) => {
      tr.append(h(k === 0 ? 'th' : 'td', { role: k === 0 ? 'rowheader' : 'gridcell', scope: k === 0 ? 'row' : null, class: column.number ? 'n' : null }, column.cell(row)));
    });
    return tr;
  }

  function spacer(count: number): HTMLElement | null {
    if (count <= 0) return null;
    const tr = h('tr', { class: 'spacer', role: 'presentation', 'aria-hidden': 'true' }, h('td', { colspan: columns.length, role: 'presentation' }));
    tr.style.height = `${count * ROW}px`;
    return tr;
  }

  function draw(force: boolean): void {
    const all = order.length <= VIRTUAL || printing();
    const top = Math.floor(box.scrollTop / ROW), visible = Math.ceil((box.clientHeight || 560) / ROW);
    const from = all ? 0 : Math.max(0, Math.min(top - WINDOW, order.length - visible));
    const to = all ? Math.min(order.length, printing() ? PRINTED : order.length) : Math.min(order.length, top + visible + WINDOW);
    if (!force && from === first && to === last) return;
    if (!force && from >= first && from + 4 < to && top - WINDOW / 2 >= first && top + visible + WINDOW / 2 <= last) return;
    first = from;
    last = to;
    const had = box.contains(document.activeElement) && !table.tHead!.contains(document.activeElement);
    // Without its rows the table is short for a moment, and the browser scrolls to its top.
    const scrolled = box.scrollTop, next = document.createDocumentFragment();
    const before = spacer(from), after = spacer(all ? 0 : order.length - to);
    if (before) next.append(before);
    for (let i = from; i < to; i++) next.append(rowElement(order[i]!, i));
    if (after) next.append(after);
    body.replaceChildren(next);
    if (box.scrollTop !== scrolled) box.scrollTop = scrolled;
    // Somewhere in the table Tab must be able to land, also when the row with the focus is out of sight.
    if (!had && (focus < from || focus >= to)) body.querySelector<HTMLElement>(`[data-row="${Math.min(top, to - 1)}"]`)?.setAttribute('tabindex', '0');
    // Scrolled out of sight by hand, the row with the focus is no element any more: the box keeps the keys.
    if (had) (body.querySelector<HTMLElement>(`[data-row="${focus}"]`) ?? box).focus({ preventScroll: true });
    more.hidden = !(printing() && order.length > to);
    if (!more.hidden) more.textContent = t('table.more', { n: order.length - to, n_text: int(order.length - to) });
  }

  function moveTo(i: number): void {
    if (!order.length) return;
    focus = Math.max(0, Math.min(order.length - 1, i));
    const headHeight = 40, at = focus * ROW;
    if (box.classList.contains('virtual')) {
      if (at < box.scrollTop) box.scrollTop = at;
      else if (at + ROW > box.scrollTop + box.clientHeight - headHeight) box.scrollTop = at + ROW - box.clientHeight + headHeight;
    }
    draw(true);
    const row = body.querySelector<HTMLElement>(`[data-row="${focus}"]`);
    row?.focus({ preventScroll: box.classList.contains('virtual') });
  }

  box.addEventListener('keydown', (event) => {
    if (table.tHead!.contains(event.target as Node)) return;
    const page = Math.max(1, Math.floor((box.clientHeight || 400) / ROW) - 2);
    const steps: Record<string, number> = { ArrowDown: focus + 1, ArrowUp: focus - 1, PageDown: focus + page, PageUp: focus - page, Home: 0, End: order.length - 1 };
    const target = event.target as HTMLElement;
    if (event.key in steps && !event.altKey && !event.metaKey) {
      event.preventDefault();
      moveTo(steps[event.key]!);
    } else if ((event.key === 'Enter' || event.key === ' ') && o.onOpen && target.tagName === 'TR') {
      event.preventDefault();
      if (order[focus]) o.onOpen(order[focus]!);
    }
  });
  body.addEventListener('focusin', (event) => {
    const row = (event.target as HTMLElement).closest('tr');
    if (row?.dataset['row'] === undefined) return;
    body.querySelectorAll('[tabindex="0"]').forEach((one) => one.tagName === 'TR' && one.setAttribute('tabindex', '-1'));
    focus = Number(row.dataset['row']);
    row.setAttribute('tabindex', '0');
  });
  body.addEventListener('click', (event) => {
    const target = event.target as HTMLElement;
    const row = target.closest('tr');
    if (!o.onOpen || target.closest('a, button') || row?.dataset['row'] === undefined) return;
    focus = Number(row.dataset['row']);
    if (order[focus]) o.onOpen(order[focus]!);
  });
  let waiting = false;
  box.addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw(false);
    });
  }, { passive: true });

  arrange();
  draw(true);
  return {
    element,
    setRows(next) {
      rows = next;
      focus = 0;
      box.scrollTop = 0;
      arrange();
      draw(true);
    },
    refresh: () => draw(true),
  };
}
