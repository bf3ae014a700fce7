/* The page: its frame, its seven views, its keys. */
import './style.css';
import { dropCharts, redrawCharts } from './chart';
import { facts, load } from './data';
import { bdi, clear, h, visible } from './dom';
import * as f from './format';
import { chooseLanguage, language, t, type Language } from './i18n';
import { icon, tone } from './parts';
import { hashOf, prefer, preference, route, VIEWS, type View } from './state';
import { business } from './views/business';
import { columns } from './views/columns';
import { files } from './views/files';
import { overview } from './views/overview';
import { quarantine } from './views/quarantine';
import { rules } from './views/rules';
import { run } from './views/run';

const draw: Record<View, (params: URLSearchParams) => HTMLElement> = { overview, files, rules, columns, quarantine, business, run };
const root = document.documentElement;
let main: HTMLElement, tabs: Record<View, HTMLAnchorElement>, keys: HTMLDialogElement;
let drawn: string | null = null, printing = false;

type Theme = 'auto' | 'light' | 'dark';

function applyTheme(): void {
  const kept = preference('theme');
  if (kept === 'light' || kept === 'dark') root.dataset['theme'] = kept;
  else delete root.dataset['theme'];
}

function switcher(label: string, value: string, choices: [string, string][], choose: (value: string) => void): HTMLElement {
  const field = h('select', { 'aria-label': label, on: { change: () => choose(field.value) } }, choices.map(([name, text]) => h('option', { value: name, selected: name === value }, text)));
  return field;
}

function header(): HTMLElement {
  tabs = {} as Record<View, HTMLAnchorElement>;
  const items = VIEWS.map((view, i) => {
    tabs[view] = h('a', { href: hashOf(view), id: `tab-${view}`, role: 'tab', 'aria-controls': 'main', tabindex: -1, 'aria-keyshortcuts': String(i + 1) }, t(`view.${view}`));
    return tabs[view];
  });
  const nav = h('nav', { 'aria-label': t('app.views') }, h('div', { role: 'tablist', 'aria-label': t('app.views') }, items));
  nav.addEventListener('keydown', (event) => {
    const at = VIEWS.indexOf(route().view), steps: Record<string, number> = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: VIEWS.length - 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const view = VIEWS[(steps[event.key]! + VIEWS.length) % VIEWS.length]!;
    location.hash = hashOf(view);
    tabs[view].focus();
  });
  return h('header', { class: 'top' },
    h('div', { class: 'bar' },
      h('a', { class: 'brand', href: '#overview' }, h('span', { class: `lock ${tone(facts.run.verdict)}` }, icon(facts.run.verdict, 18)), h('strong', null, 'Écluse'), h('h1', null, bdi(facts.project))),
      h('div', { class: 'switches' },
        switcher(t('app.language'), language(), [['en', 'English'], ['fr', 'Français']], (value) => { chooseLanguage(value as Language); frame(); }),
        switcher(t('app.theme'), preference('theme') ?? 'auto', [['auto', t('theme.auto')], ['light', t('theme.light')], ['dark', t('theme.dark')]], (value) => { prefer('theme', (value as Theme) === 'auto' ? null : value); applyTheme(); redrawCharts(false); }),
        h('button', { type: 'button', class: 'quiet wide-only', on: { click: () => print() } }, t('app.print')),
        h('button', { type: 'button', class: 'quiet wide-only', 'aria-haspopup': 'dialog', 'aria-keyshortcuts': '?', on: { click: () => keys.showModal() } }, t('app.keys'), ' ', h('kbd', null, '?')))),
    nav);
}

function keysDialog(): HTMLDialogElement {
  const row = (key: string, text: string) => h('tr', null, h('th', { scope: 'row' }, key.split(' ').map((one) => [h('kbd', null, one), ' '])), h('td', null, text));
  const single = h('input', { type: 'checkbox', checked: preference('keys') !== 'off', on: { change: () => prefer('keys', single.checked ? null : 'off') } });
  const dialog: HTMLDialogElement = h('dialog', { 'aria-labelledby': 'keys-title' }, h('h2', { id: 'keys-title' }, t('keys.title')),
    h('table', null, h('tbody', null, row('1 … 7', t('keys.views')), row('/', t('keys.filter')), row('?', t('keys.help')), row('← →', t('keys.tabs')), row('↑ ↓', t('keys.rows')), row('PgUp PgDn', t('keys.pages')), row('Home End', t('keys.ends')), row('Enter', t('keys.open')), row('Esc', t('keys.leave')))),
    h('label', { class: 'check' }, single, t('keys.single')),
    h('button', { type: 'button', on: { click: () => dialog.close() } }, t('keys.close')));
  return dialog;
}

function title(): void {
  document.title = `${t(`verdict.${facts.run.verdict}`)} · ${visible(facts.project)} · ${t(`view.${route().view}`)}`;
}

/* Draws the view that the address names. A change of its filters alone draws nothing: the view did that. */
function show(): void {
  if (printing) return;
  const { view, params } = route();
  for (const name of VIEWS) {
    tabs[name].setAttribute('aria-selected', String(name === view));
    tabs[name].tabIndex = name === view ? 0 : -1;
  }
  tabs[view].scrollIntoView({ block: 'nearest', inline: 'nearest' });
  dropCharts();
  clear(main);
  main.setAttribute('aria-labelledby', `tab-${view}`);
  main.append(h('h2', { class: 'sr' }, t(`view.${view}`)), draw[view](params));
  drawn = view;
  root.dataset['view'] = view;
  title();
  const open = main.querySelector('.detail');
  if (open) open.scrollIntoView({ block: 'nearest' });
}

function frame(): void {
  dropCharts();
  clear(document.body);
  keys = keysDialog();
  main = h('main', { id: 'main', role: 'tabpanel', tabindex: -1 });
  document.body.append(
    h('a', { class: 'skip', href: '#main', on: { click: (event) => { event.preventDefault(); main.focus(); } } }, t('app.skip')),
    header(), main, h('footer', null, t('app.footer', { program: visible(facts.program), when: f.time(facts.generated) })), keys);
  show();
}

/* On paper: all views after one another, light, with every chart drawn and still. */
function toPaper(): void {
  if (printing) return;
  printing = true;
  root.classList.add('printing');
  dropCharts();
  clear(main);
  for (const view of VIEWS) main.append(h('section', { class: 'sheet', 'data-sheet': view }, h('h2', null, t(`view.${view}`)), draw[view](new URLSearchParams())));
  redrawCharts(true);
}

function fromPaper(): void {
  if (!printing) return;
  printing = false;
  root.classList.remove('printing');
  show();
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const writing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
  if (event.key === 'Escape' && target instanceof HTMLInputElement && target.type === 'search') {
    target.blur();
    return;
  }
  if (writing || event.ctrlKey || event.metaKey || event.altKey || keys.open || preference('keys') === 'off') return;
  if (event.key === '/') {
    const filter = main.querySelector<HTMLInputElement>('input.filter');
    if (filter) {
      event.preventDefault();
      filter.focus();
      filter.select();
    }
  } else if (event.key === '?') {
    event.preventDefault();
    keys.showModal();
  } else if (/^[1-7]$/.test(event.key)) {
    location.hash = hashOf(VIEWS[Number(event.key) - 1]!);
    tabs[VIEWS[Number(event.key) - 1]!].focus({ preventScroll: true });
  }
}

async function start(): Promise<void> {
  const found = await load();
  chooseLanguage();
  applyTheme();
  if (found !== 'facts') {
    clear(document.body);
    document.body.append(h('main', { class: 'lost' }, h('h1', null, t('app.no_facts')), h('p', null, t(found === 'packed' ? 'app.packed' : 'app.no_facts.help'))));
    return;
  }
  frame();
  addEventListener('hashchange', () => {
    const anchor = location.hash === '#anomalies';
    if (!anchor || drawn !== 'overview') show();
    if (anchor) document.getElementById('anomalies')?.scrollIntoView({ block: 'center' });
    else if (route().view !== drawn || !route().params.toString()) scrollTo(0, 0);
  });
  addEventListener('keydown', onKey);
  addEventListener('beforeprint', toPaper);
  addEventListener('afterprint', fromPaper);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => redrawCharts(false));
  let width = Math.round(root.clientWidth / 100), waiting = 0;
  addEventListener('resize', () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      const now = Math.round(root.clientWidth / 100);
      if (now !== width && !printing) show();
      width = now;
    }, 150);
  });
  performance.mark('ecluse-drawn');
}

void start();
