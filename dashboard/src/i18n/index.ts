/* Texts in two languages. "one || many" is chosen by the parameter n. */
import { en } from './en';
import { fr } from './fr';
import { facts } from '../data';
import { prefer, preference } from '../state';

export type Key = keyof typeof en;
export type Language = 'en' | 'fr';
const dictionaries: Record<Language, Record<Key, string>> = { en, fr };

let current: Language = 'en';

export function language(): Language {
  return current;
}

export function locale(): string {
  return current === 'fr' ? 'fr-FR' : 'en-GB';
}

export function chooseLanguage(wanted?: Language): void {
  if (wanted) prefer('language', wanted);
  const kept = preference('language');
  if (kept === 'en' || kept === 'fr') current = kept;
  else if (facts.language === 'en' || facts.language === 'fr') current = facts.language;
  else current = (navigator.languages ?? [navigator.language]).find((one) => /^(en|fr)\b/i.test(one))?.slice(0, 2).toLowerCase() === 'fr' ? 'fr' : 'en';
  document.documentElement.lang = current;
}

const plurals: Partial<Record<Language, Intl.PluralRules>> = {};

export function t(key: Key, params?: Record<string, string | number>): string {
  let text = dictionaries[current][key];
  const bar = text.indexOf(' || ');
  if (bar >= 0) {
    const rules = (plurals[current] ??= new Intl.PluralRules(locale()));
    text = rules.select(Number(params?.['n'] ?? 0)) === 'one' ? text.slice(0, bar) : text.slice(bar + 4);
  }
  if (!params) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[`${name}_text`] ?? params[name];
    return value === undefined ? whole : String(value);
  });
}

/* A text for a word of the data ("type-error", "mobile"), or the word as it stands. */
export function word(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return key in en ? t(key as Key) : name;
}
