/* Figures, money, sizes, times as the language writes them. Unknown is a dash that says so, never 0. */
import { facts } from './data';
import { locale, t } from './i18n';

const made = new Map<string, Intl.NumberFormat>();

function number(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale() + JSON.stringify(options);
  let found = made.get(key);
  if (!found) made.set(key, (found = new Intl.NumberFormat(locale(), options)));
  return found;
}

type N = number | null | undefined;
const known = (x: N): x is number => typeof x === 'number' && Number.isFinite(x);
export const DASH = '–';

export function int(x: N): string {
  return known(x) ? number({ maximumFractionDigits: 0 }).format(x) : DASH;
}

export function num(x: N, digits = 2): string {
  return known(x) ? number({ maximumFractionDigits: digits }).format(x) : DASH;
}

export function compact(x: N): string {
  if (!known(x)) return DASH;
  return Math.abs(x) < 10000 ? num(x, 1) : number({ notation: 'compact', maximumFractionDigits: 1 }).format(x);
}

/* Rounded down, so that 99.999 never reads as 100. */
export function percent(x: N, digits = 1): string {
  if (!known(x)) return DASH;
  const scale = 10 ** digits;
  const floor = Math.floor(x * scale + 1e-9) / scale;
  return number({ style: 'percent', minimumFractionDigits: 0, maximumFractionDigits: digits }).format(floor / 100);
}

/* A score of 0..100 without a sign. */
export function score(x: N): string {
  return known(x) ? number({ minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(Math.floor(x * 10 + 1e-9) / 10) : DASH;
}

/* A share 0..1; small ones keep a digit that says something, and none that is there reads as 0. */
export function share(x: N): string {
  if (!known(x)) return DASH;
  if (x > 0 && x < 0.0001) return `< ${number({ style: 'percent', maximumFractionDigits: 2 }).format(0.0001)}`;
  return number({ style: 'percent', maximumFractionDigits: x < 0.01 ? 2 : 1 }).format(x);
}

export function money(x: N, short = false): string {
  if (!known(x)) return DASH;
  const currency = facts.currency;
  const large = short && Math.abs(x) >= 10000;
  const options: Intl.NumberFormatOptions = large ? { notation: 'compact', maximumFractionDigits: 1 }
    : short && Number.isInteger(x) ? { maximumFractionDigits: 0 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  if (currency) {
    try {
      return number({ ...options, style: 'currency', currency }).format(x);
    } catch {
      return number(options).format(x);
    }
  }
  return number(options).format(x);
}

export function bytes(x: N): string {
  if (!known(x)) return DASH;
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  let i = 0;
  while (x >= 1000 && i < units.length - 1) {
    x /= 1000;
    i++;
  }
  return number({ style: 'unit', unit: units[i]!, unitDisplay: i === 0 ? 'long' : 'short', maximumFractionDigits: x < 10 && i ? 1 : 0 }).format(x);
}

export function seconds(x: N): string {
  if (!known(x)) return DASH;
  const unit = (value: number, name: string, digits = 0) =>
    number({ style: 'unit', unit: name, unitDisplay: locale() === 'fr-FR' ? 'short' : 'narrow', maximumFractionDigits: digits }).format(value);
  if (x < 1) return unit(Math.round(x * 1000), 'millisecond');
  if (x < 60) return unit(x, 'second', x < 10 ? 2 : 1);
  if (x < 3600) return `${unit(Math.floor(x / 60), 'minute')} ${unit(Math.floor(x % 60), 'second')}`;
  return `${unit(Math.floor(x / 3600), 'hour')} ${unit(Math.floor((x % 3600) / 60), 'minute')}`;
}

export function rate(x: N): string {
  return known(x) ? t('unit.rows_per_second', { n: compact(x) }) : DASH;
}

const dates = new Map<string, Intl.DateTimeFormat>();

function dated(text: string | null | undefined, options: Intl.DateTimeFormatOptions): string {
  if (!text) return DASH;
  const at = new Date(text.length === 10 ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(at.getTime())) return DASH;
  const key = locale() + JSON.stringify(options);
  let format = dates.get(key);
  if (!format) dates.set(key, (format = new Intl.DateTimeFormat(locale(), { timeZone: 'UTC', ...options })));
  return format.format(at);
}

export function day(text: string | null | undefined): string {
  return dated(text, { year: 'numeric', month: 'short', day: 'numeric' });
}

export function dayShort(text: string | null | undefined): string {
  return dated(text, { month: 'short', day: 'numeric' });
}

export function dayLong(text: string | null | undefined): string {
  return dated(text, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
}

/* "18 Jul 2025, 13:34 UTC" */
export function time(text: string | null | undefined): string {
  const shown = dated(text, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return shown === DASH ? shown : `${shown} UTC`;
}

export function timeShort(text: string | null | undefined): string {
  return dated(text, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

export function weekday(iso: number, style: 'short' | 'long' = 'short'): string {
  return dated(`2024-01-0${iso}`, { weekday: style }); // 1 January 2024 was a Monday
}

export function month(text: string): string {
  return dated(text, { month: 'short', year: 'numeric' });
}

export function signed(x: N, digits = 1): string {
  return known(x) ? number({ signDisplay: 'exceptZero', maximumFractionDigits: digits }).format(x) : DASH;
}

export function signedShare(x: N): string {
  return known(x) ? number({ style: 'percent', signDisplay: 'exceptZero', maximumFractionDigits: 1 }).format(x) : DASH;
}

export function list(items: string[]): string {
  return new Intl.ListFormat(locale(), { type: 'conjunction' }).format(items);
}

/* A country's name where the code is one; else the text as it stands. */
export function country(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  try {
    return new Intl.DisplayNames(locale(), { type: 'region', fallback: 'code' }).of(code) ?? code;
  } catch {
    return code;
  }
}

export function monthName(index: number): string {
  return dated(`2024-${String(index + 1).padStart(2, '0')}-01`, { month: 'short' });
}
