/* Names, roles and contrast; narrow screens; both themes; both languages. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT, VIEWS, drawAll } from './lab.mjs';

/* The checks of an accessibility tester that fit a page like this one. */
const complaints = (page) => page.evaluate(() => {
  const out = [], seen = (element) => element.getClientRects().length > 0;
  const name = (element) => {
    const by = element.getAttribute('aria-labelledby');
    if (by) return by.split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
    return element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent ?? '';
  };
  const say = (element, what) => out.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  for (const element of document.querySelectorAll('a, button, input, select, summary, [role=tab], [role=img], [role=region], [role=grid], dialog, nav, section[aria-label]')) if (seen(element) && !name(element).trim()) say(element, 'no name');
  const ids = new Map();
  for (const element of document.querySelectorAll('[id]')) { if (ids.has(element.id)) say(element, 'the id twice'); ids.set(element.id, element); }
  for (const attribute of ['aria-controls', 'aria-labelledby', 'aria-describedby', 'for']) for (const element of document.querySelectorAll(`[${attribute}]`)) for (const id of element.getAttribute(attribute).split(' ')) if (!ids.has(id)) say(element, `${attribute} names nothing`);
  for (const table of document.querySelectorAll('table')) {
    if (!seen(table)) continue;
    if (!table.caption && !table.getAttribute('aria-label') && !table.closest('[aria-label], dialog')) say(table, 'a table without a name');
    for (const head of table.querySelectorAll('th')) if (!head.scope && !head.getAttribute('role')) say(head, 'no scope');
  }
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) { if (heading.closest('dialog')) continue; const now = Number(heading.localName[1]); if (now > level + 1) say(heading, `h${level} is followed by h${now}`); level = now; }
  if (document.querySelectorAll('main').length !== 1) out.push('not one main');
  if (!document.documentElement.lang) out.push('no language');
  for (const element of document.querySelectorAll('.scroll, .gridbox')) if (seen(element) && element.scrollWidth > element.clientWidth && !element.matches('[tabindex]') && !element.querySelector('[tabindex="0"], a, button')) say(element, 'scrolls, but not by keys');
  return out;
});

/* WCAG AA: 4.5 to 1, large text 3 to 1, against the ground that is behind it. */
const faint = (page) => page.evaluate(() => {
  const parse = (text) => { const m = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0]; return /^color\(srgb/.test(text) ? [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const ground = (element) => { const layers = []; for (let e = element; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; } return layers.reduceRight((under, top) => over(top, under), [255, 255, 255, 1]); };
  const out = new Map(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.getClientRects().length || element.closest('.sr, .canvas, option, .skip, noscript')) continue;
    texts++;
    const style = getComputedStyle(element), back = ground(element), front = over(parse(style.color), back);
    const [a, b] = [light(front), light(back)], ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) out.set(`${element.localName}.${element.className}`, `${ratio.toFixed(2)} "${node.data.slice(0, 30)}"`);
  }
  return { texts, faint: [...out] };
});

function dictionary(language) {
  const esbuild = createRequire(join(ROOT, 'dashboard/package.json'))('esbuild');
  const { code } = esbuild.transformSync(readFileSync(join(ROOT, `dashboard/src/i18n/${language}.ts`), 'utf8'), { loader: 'ts', format: 'cjs' });
  const module = { exports: {} };
  new Function('module', 'exports', code)(module, module.exports);
  return module.exports[language];
}

async function closed(lab, page, about) {
  assert.deepEqual(await lab.done(page), [], about);
}

export const access = [
  ['names, roles, headings, tables: nothing to complain of in any view', async (lab) => {
    for (const name of ['small', 'empty']) {
      const page = await lab.page(name);
      for (const view of VIEWS) {
        await lab.go(page, `#${view}`);
        const row = await page.$('tr.opens');
        if (row) await row.click();
        for (const toggle of await page.$$('figure .tools button')) await toggle.click();
        assert.deepEqual(await complaints(page), [], `${view} ${name}`);
      }
      await closed(lab, page);
    }
  }],
  ['text has contrast AA in both themes', async (lab) => {
    let texts = 0;
    for (const dark of [false, true]) {
      const page = await lab.page('small', { dark });
      for (const view of VIEWS) {
        await lab.go(page, `#${view}`);
        const row = await page.$('tr.opens');
        if (row) await row.click();
        const found = await faint(page);
        texts += found.texts;
        assert.deepEqual(found.faint, [], `${view} ${dark ? 'dark' : 'light'}`);
      }
      await closed(lab, page);
    }
    assert.ok(texts > 4000, `${texts} texts looked at`);
    console.log(`     ${texts} texts`);
  }],
  ['at 360 pixels no view scrolls sideways, in either language', async (lab) => {
    for (const [name, language] of [['small', 'en-GB'], ['small', 'fr-FR'], ['hostile', 'fr-FR'], ['empty', 'en-GB']]) {
      const page = await lab.page(name, { width: 360, height: 740, language });
      for (const view of VIEWS) {
        await lab.go(page, `#${view}`);
        await drawAll(page);
        const [wide, inner] = await page.evaluate(() => { scrollTo(1000, 0); return [Math.max(document.documentElement.scrollWidth, innerWidth + scrollX), innerWidth]; });
        assert.ok(wide <= inner, `${view} ${name} ${language}: ${wide} > ${inner}`);
      }
      await closed(lab, page, `${name} ${language}`);
    }
  }],
  ['the theme follows the system, then the switch, and stays', async (lab) => {
    const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await lab.page('small'), dark = await lab.page('small', { dark: true });
    const [a, b] = [await ground(light), await ground(dark)];
    assert.notEqual(a, b);
    await light.selectOption('.switches select >> nth=1', 'dark');
    assert.equal(await ground(light), b);
    await light.reload();
    assert.equal(await ground(light), b);
    await dark.selectOption('.switches select >> nth=1', 'light');
    assert.equal(await ground(dark), a);
    await closed(lab, light);
    await closed(lab, dark);
  }],
  ['a chart is drawn anew in the other theme', async (lab) => {
    const page = await lab.page('small', { hash: '#quarantine' });
    await drawAll(page);
    const shot = () => page.$eval('#chart-reasons canvas', (canvas) => canvas.toDataURL());
    const before = await shot();
    await page.selectOption('.switches select >> nth=1', 'dark');
    assert.notEqual(await shot(), before);
    await closed(lab, page);
  }],
  ['both dictionaries have every key, the same places for figures, and no empty text', async () => {
    const en = dictionary('en'), fr = dictionary('fr');
    assert.deepEqual(Object.keys(fr), Object.keys(en));
    assert.ok(Object.keys(en).length > 300);
    const places = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().filter((one) => one !== '{n}' || !text.includes(' || '));
    for (const key of Object.keys(en)) {
      assert.ok(en[key].trim() && fr[key].trim(), key);
      assert.deepEqual(places(fr[key]), places(en[key]), key);
      assert.equal(fr[key].includes(' || '), en[key].includes(' || '), key);
    }
    console.log(`     ${Object.keys(en).length} texts in each`);
  }],
  ['in French no English text is left, and figures are written as in French', async (lab) => {
    const en = dictionary('en'), fr = dictionary('fr');
    const english = new Set(Object.keys(en).filter((key) => en[key] !== fr[key] && !en[key].includes('{')).map((key) => en[key]));
    for (const value of Object.values(fr)) english.delete(value);
    const page = await lab.page('small', { language: 'fr-FR' });
    for (const view of VIEWS) {
      await lab.go(page, `#${view}`);
      assert.equal(await page.evaluate(() => document.documentElement.lang), 'fr');
      const row = await page.$('tr.opens');
      if (row) await row.click();
      const texts = await page.evaluate(() => { const out = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); for (let node; (node = walker.nextNode());) if (!node.parentElement.closest('bdi, code, kbd, noscript')) out.push(node.data.trim()); return out; });
      assert.deepEqual(texts.filter((text) => english.has(text) && text !== 'English'), [], view);
      if (view === 'overview') assert.match(await page.textContent('[data-tile="read"] .value'), /^\d[\u202f\u00a0]\d{3}[\u202f\u00a0]\d{3}$/);
    }
    await closed(lab, page);
  }],
  ['the language follows the facts, then the browser; the switch changes all of it and stays', async (lab) => {
    const page = await lab.page('small');
    await page.selectOption('.switches select >> nth=0', 'fr');
    assert.equal(await page.textContent('#verdict'), 'Non conforme');
    assert.match(await page.title(), /^Non conforme · shop/);
    await page.reload();
    assert.equal(await page.textContent('#verdict'), 'Non conforme');
    await page.selectOption('.switches select >> nth=0', 'en');
    assert.equal(await page.textContent('#verdict'), 'Failed');
    await closed(lab, page);
  }],
];
