/* The page as a file: its size, how fast it opens, on paper. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VIEWS, drawAll, templatePath } from './lab.mjs';
import { page as pageOf } from '../../dashboard/scripts/sample.mjs';

const MIB = 1024 * 1024;

/* Milliseconds that the page's thread computes until the Overview is painted, the fewest of some turns: on a busy machine it
 * waits for its turn, which says nothing of the page. */
async function opening(lab, name) {
  const fewest = [];
  for (let i = 0; i < 4; i++) {
    const page = await lab.page('empty'), tools = await page.context().newCDPSession(page);
    await page.goto('about:blank');
    await tools.send('Performance.enable', { timeDomain: 'threadTicks' });
    const computed = async () => 1000 * (await tools.send('Performance.getMetrics')).metrics.find((one) => one.name === 'TaskDuration').value;
    const before = await computed();
    await page.goto(lab.url(name));
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    fewest.push(await computed() - before);
    page.faults = page.faults.filter((one) => !one.includes('about:blank') && one !== `request: ${lab.url(name)}`);
    assert.deepEqual(await lab.done(page), []);
  }
  return Math.min(...fewest);
}

/* A shop, generated and run by the binary: its facts, and the page that it wrote. */
function realRun(lab, ecluse) {
  const shop = join(lab.folder, 'shop'), call = (...args) => execFileSync(ecluse, args, { encoding: 'utf8', maxBuffer: 64 * MIB, stdio: ['ignore', 'pipe', 'ignore'] });
  call('init', shop);
  call('generate', join(shop, 'data/raw'), '--size', '4MB', '--seed', '7');
  try { call('-C', shop, 'run', '--fail-on', 'never', '--no-archive', '--quiet'); } catch { /* a defect may fail a gate */ }
  return { facts: JSON.parse(call('-C', shop, 'dashboard', '--facts')), page: readFileSync(join(shop, 'data/quality/dashboard.html'), 'utf8') };
}

export const frame = [
  ['the facts of a real run draw every view', async (lab) => {
    const ecluse = process.env.ECLUSE;
    if (!ecluse || !existsSync(ecluse) || !execFileSync(ecluse, ['dashboard', '--help'], { encoding: 'utf8' }).includes('--facts')) {
      console.log('     left out: this binary does not tell the facts');
      return;
    }
    const { facts, page: written } = realRun(lab, ecluse);
    const template = readFileSync(templatePath(), 'utf8');
    if (written.includes('id="facts"')) assert.ok(written.startsWith(template.slice(0, template.indexOf('<!--facts-->'))), 'the page is the template with facts in it');
    lab.write('real', written.includes('id="facts"') ? written : pageOf(template, facts));
    const page = await lab.page('real');
    for (const view of VIEWS) {
      await lab.go(page, `#${view}`);
      await drawAll(page);
      assert.deepEqual((await page.textContent('main')).match(/.{0,40}(undefined|NaN|\[object|Infinity|\{\w+\}).{0,40}/g), null, view);
    }
    await lab.go(page, '#overview');
    assert.equal(await page.getAttribute('[data-tile="read"] .value', 'data-value'), String(facts.run.read));
    assert.equal(await page.getAttribute('#verdict', 'data-verdict'), facts.run.verdict);
    assert.ok(facts.run.read > 0);
    assert.deepEqual(await lab.done(page), []);
    console.log(`     ${facts.checks.length} checks, ${facts.files.length} files, ${lab.bytes.real} bytes`);
  }],
  ['the page has at most 2 MB, also with 3,000 checks, 1,200 runs and 1,000 files', async (lab) => {
    for (const name of Object.keys(lab.facts)) assert.ok(lab.bytes[name] <= 2e6, `${name}: ${lab.bytes[name]} bytes`);
    assert.deepEqual([lab.facts.large.checks.length, lab.facts.large.runs.id.length, lab.facts.large.files.length], [3000, 1200, 1000]);
    console.log(`     template ${readFileSync(templatePath()).length}, ordinary ${lab.bytes.small}, large ${lab.bytes.large} bytes`);
  }],
  ['the large history opens about as fast as the small one', async (lab) => {
    const small = await opening(lab, 'small'), large = await opening(lab, 'large');
    console.log(`     opens with ${small.toFixed(0)} ms of a processor, with 3,000 checks and 1,200 runs in ${large.toFixed(0)} ms: ${(large / small).toFixed(2)} times`);
    assert.ok(large / small < 4, 'opening must not follow the size of the history');
  }],
  ['the template is one file: one script, one style sheet, one mark, nothing to fetch', async () => {
    const text = readFileSync(templatePath(), 'utf8');
    assert.equal(text.match(/<script/g).length, 1);
    assert.equal(text.match(/<style/g).length, 1);
    assert.equal(text.match(/<!--facts-->/g).length, 1);
    assert.equal(text.match(/<link|<img|<iframe|<base/g), null);
    assert.ok(!/unsafe-inline|unsafe-eval|strict-dynamic/.test(text.slice(0, text.indexOf('<style'))));
    assert.ok(!/\bimport\(|new Worker\(/.test(text));
  }],
  ['on paper: all views after one another, light, every chart drawn, tables cut and saying so', async (lab) => {
    const page = await lab.page('large', { dark: true });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    assert.deepEqual(await page.$$eval('[data-sheet]', (all) => all.map((one) => one.dataset.sheet)), VIEWS);
    const blank = await page.$$eval('.canvas', (all) => all.filter((box) => box.dataset.drawn !== '1' || ![...box.querySelectorAll('canvas')].some((canvas) => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); for (let i = 3; i < data.length; i += 4) if (data[i]) return true; return false; })).map((box) => box.id));
    assert.deepEqual(blank, []);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
    assert.match(await page.textContent('[data-sheet="rules"]'), /2,800 more rows, not printed/);
    assert.equal(await page.$$eval('[data-sheet="rules"] #grid-rules tbody tr', (rows) => rows.length), 200);
    assert.ok(!(await page.isVisible('nav')));
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
    assert.equal(await page.$$eval('[data-sheet]', (all) => all.length), 0);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.view), 'overview');
    assert.deepEqual(await lab.done(page), []);
  }],
  ['printing makes a PDF with all views in it', async (lab) => {
    const page = await lab.page('small');
    const pdf = (await page.pdf({ format: 'A4', printBackground: true })).toString('latin1');
    const pages = (pdf.match(/\/Type\s*\/Page\b/g) ?? []).length;
    assert.ok(pdf.startsWith('%PDF') && pages >= 7, `${pages} pages`);
    console.log(`     ${pages} pages, ${pdf.length} bytes`);
    assert.deepEqual(await lab.done(page), []);
  }],
];
