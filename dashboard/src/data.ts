/* The facts that the binary put into the page. */
import type { Dimension, Facts, Severity, Verdict } from './facts';

function read(): Facts | null {
  try {
    const parsed = JSON.parse(document.getElementById('facts')?.textContent ?? 'null') as Facts | null;
    return parsed && parsed.v === 1 ? parsed : null;
  } catch {
    return null;
  }
}

const found = read();
export const hasFacts = found !== null;
export const facts = (found ?? {}) as Facts;

export const VERDICTS: Verdict[] = ['errored', 'failed', 'warned', 'passed', 'skipped'];
export const DIMENSIONS: Dimension[] = ['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness'];
export const SEVERITIES: Severity[] = ['critical', 'error', 'warn', 'info'];
