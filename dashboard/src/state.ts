/* Where the reader is (the URL's fragment: #rules?source=sales&q=price) and what he prefers. */
export const VIEWS = ['overview', 'files', 'rules', 'columns', 'quarantine', 'business', 'run'] as const;
export type View = (typeof VIEWS)[number];
export interface Route { view: View; params: URLSearchParams }

export function route(): Route {
  const text = location.hash.replace(/^#/, '');
  const cut = text.indexOf('?');
  const name = cut < 0 ? text : text.slice(0, cut);
  const view = (VIEWS as readonly string[]).includes(name) ? (name as View) : 'overview';
  return { view, params: new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)) };
}

export function hashOf(view: View, params?: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) if (value) search.set(name, value);
  const text = search.toString();
  return `#${view}${text ? `?${text}` : ''}`;
}

/* Filters change the address without a step in the history; views are steps. */
export function replaceParams(view: View, params: Record<string, string | null | undefined>): void {
  if (document.documentElement.classList.contains('printing')) return; // all views are drawn, none is gone to
  const hash = hashOf(view, params);
  if (hash !== location.hash) history.replaceState(null, '', hash);
}

/* Preferences stay in this browser; from disk it may refuse to keep any, and then they last as long as the page. */
const kept = new Map<string, string>();

export function preference(name: string): string | null {
  try {
    return localStorage.getItem(`ecluse.${name}`) ?? kept.get(name) ?? null;
  } catch {
    return kept.get(name) ?? null;
  }
}

export function prefer(name: string, value: string | null): void {
  if (value === null) kept.delete(name);
  else kept.set(name, value);
  try {
    if (value === null) localStorage.removeItem(`ecluse.${name}`);
    else localStorage.setItem(`ecluse.${name}`, value);
  } catch {
    // kept above
  }
}
