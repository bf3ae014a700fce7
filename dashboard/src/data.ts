/* The facts that the binary put into the page. Those of a large run are squeezed (src/publish/page_pack.h). */
import type { Alert, Dimension, Facts, Severity, Verdict } from './facts';

export const facts = {} as Facts;

async function textOf(element: HTMLElement | null): Promise<string> {
  const text = element?.textContent ?? 'null';
  if (!element?.dataset['packed']) return text;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).text();
}

/* What became of alerts stands by itself: it is written again when they have been delivered. */
function takeAlerts(): void {
  try {
    const later = JSON.parse(document.getElementById('alerts')?.textContent ?? 'null') as { at: string | null; list: Alert[] } | null;
    if (later && Array.isArray(later.list)) Object.assign(facts, { alerts: later.list, alerts_at: later.at });
  } catch { /* those of the facts stay */ }
}

export type Found = 'facts' | 'none' | 'packed';

/* Fills `facts`; `packed`: this browser is too old to open them. */
export async function load(): Promise<Found> {
  const element = document.getElementById('facts');
  if (element?.dataset['packed'] && !('DecompressionStream' in window)) return 'packed';
  try {
    const parsed = JSON.parse(await textOf(element)) as Facts | null;
    if (!parsed || parsed.v !== 1) return 'none';
    Object.assign(facts, parsed);
  } catch {
    return 'none';
  }
  takeAlerts();
  return 'facts';
}

export const VERDICTS: Verdict[] = ['errored', 'failed', 'warned', 'passed', 'skipped'];
export const DIMENSIONS: Dimension[] = ['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness'];
export const SEVERITIES: Severity[] = ['critical', 'error', 'warn', 'info'];
