/* Texts of others stay text, and the page's policy holds. */
import assert from 'node:assert/strict';
import { VIEWS, drawAll } from './lab.mjs';
import { page as pageOf, escaped } from '../../dashboard/scripts/sample.mjs';

/* What a page is made of: how many of each element, and any attribute that could run or fetch something. */
const census = (page) => page.evaluate(() => {
  const elements = {}, bad = [];
  for (const element of document.querySelectorAll('*')) {
    elements[element.localName] = (elements[element.localName] ?? 0) + 1;
    for (const { name, value } of element.attributes) {
      if (/^on/i.test(name) || name === 'srcdoc' || (['src', 'href', 'action', 'xlink:href'].includes(name) && /^\s*(javascript|data:text|https?:|\/\/)/i.test(value))) bad.push(`${element.localName} ${name}=${value}`);
    }
  }
  return { elements, bad };
});
const OWN = new Set(['html', 'head', 'meta', 'title', 'style', 'body', 'noscript', 'a', 'header', 'main', 'footer', 'dialog', 'nav', 'div', 'span', 'strong', 'h1', 'h2', 'h3', 'h4', 'p', 'ul', 'ol', 'li', 'dl', 'dt', 'dd', 'section', 'article', 'figure', 'figcaption', 'table', 'caption', 'colgroup', 'col', 'thead', 'tbody', 'tr', 'th', 'td', 'label', 'select', 'option', 'input', 'button', 'kbd', 'bdi', 'code', 'pre', 'details', 'summary', 'time', 'svg', 'path', 'circle', 'canvas', 'i', 'b', 'script']);

function texts(value, found = []) {
  if (typeof value === 'string') { if (/#\d+ /.test(value)) found.push(value); } else if (value && typeof value === 'object') for (const one of Object.values(value)) texts(one, found);
  return found;
}

export const hostile = [
  ['500 hostile strings stay text in every view: no script ran, no element was made', async (lab) => {
    const facts = lab.facts.hostile, all = new Set(texts(facts));
    assert.ok(all.size >= 500, `${all.size} strings`);
    let seen = 0;
    const page = await lab.page('hostile', { width: 1600 });
    for (const view of VIEWS) {
      await lab.go(page, `#${view}`);
      await drawAll(page);
      for (const toggle of await page.$$('figure .tools button')) await toggle.click();
      for (const summary of await page.$$('summary')) await summary.click();
      const row = await page.$('tr.opens');
      if (row) await row.click();
      const { elements, bad } = await census(page);
      assert.deepEqual(bad, [], view);
      assert.deepEqual(Object.keys(elements).filter((name) => !OWN.has(name)), [], view);
      assert.equal(elements.script ?? 0, 0, 'the page takes its scripts out when it draws');
      assert.equal(await page.evaluate(() => 'pwned' in window), false);
      const text = await page.textContent('main');
      seen += (text.match(/#\d+ /g) ?? []).length;
      assert.ok(!/[\u0000-\u0008\u202e\u200b\u2028\u2029]/.test(text), `${view}: what is invisible is shown`);
    }
    assert.deepEqual(await lab.done(page), []);
    assert.ok(seen > 500, `${seen} of them were on show`);
    console.log(`     ${all.size} strings, shown ${seen} times`);
  }],
  ['hostile names in the tooltips of charts are text', async (lab) => {
    const page = await lab.page('hostile', { hash: '#quarantine' });
    await drawAll(page);
    const box = await (await page.$('#chart-reasons')).boundingBox();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 20);
    await page.mouse.move(box.x + box.width * 0.7, box.y + 24, { steps: 4 });
    await page.waitForSelector('.tip');
    assert.match(await page.textContent('.tip strong'), /#\d+/);
    assert.deepEqual(await page.$$eval('.tip *', (all) => [...new Set(all.map((one) => one.localName))].filter((name) => !['strong', 'div', 'span', 'b', 'i'].includes(name))), []);
    assert.deepEqual(await lab.done(page), []);
  }],
  ['hostile names filter, sort and stand in the address', async (lab) => {
    const page = await lab.page('hostile', { hash: '#rules' }), source = lab.facts.hostile.sources[0].name;
    await page.selectOption('.filters select >> nth=0', source);
    const expected = lab.facts.hostile.checks.filter((check) => check.source === source).length;
    assert.equal(await page.getAttribute('#grid-rules', 'aria-rowcount'), String(expected + 1));
    await page.reload();
    assert.equal(await page.getAttribute('#grid-rules', 'aria-rowcount'), String(expected + 1));
    await page.goto(lab.url('hostile', '#rules?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.pwned%3D1%3E&check=__proto__&source=constructor'));
    await page.reload();
    assert.equal(await page.evaluate(() => 'pwned' in window), false);
    assert.deepEqual(await lab.done(page), []);
  }],
  ['the policy stops what it is for: inline script, handler, eval, style, image, request', async (lab) => {
    const page = await lab.page('small');
    const stopped = await page.evaluate(async () => {
      const add = (tag, set) => { const one = document.createElement(tag); set(one); document.body.append(one); return one; };
      add('script', (one) => { one.textContent = 'window.pwned = 1'; });
      add('div', (one) => { one.setAttribute('onclick', 'window.pwned = 2'); }).click();
      add('style', (one) => { one.textContent = 'body { display: none }'; });
      add('p', (one) => { one.setAttribute('style', 'color: red'); });
      add('img', (one) => { one.src = 'https://example.invalid/x.png'; });
      add('link', (one) => { one.rel = 'stylesheet'; one.href = 'https://example.invalid/x.css'; });
      const asked = await fetch('https://example.invalid/').then(() => 'sent', () => 'refused');
      await new Promise((done) => setTimeout(done, 100));
      return { pwned: window.pwned, asked, display: getComputedStyle(document.body).display, kinds: [...new Set(window.violations.map((one) => one.split(' ')[0]))].sort() };
    });
    assert.equal(stopped.pwned, undefined);
    assert.equal(stopped.asked, 'refused');
    assert.notEqual(stopped.display, 'none');
    assert.deepEqual(stopped.kinds, ['connect-src', 'img-src', 'script-src-attr', 'script-src-elem', 'style-src-attr', 'style-src-elem']);
    await page.context().close();
  }],
  ['a page whose facts are missing, damaged or of another version says so', async (lab) => {
    const { readFileSync } = await import('node:fs');
    const { templatePath } = await import('./lab.mjs');
    const template = readFileSync(templatePath(), 'utf8');
    lab.write('missing', template);
    lab.write('damaged', template.replace('<!--facts-->', '<script type="application/json" id="facts">{"v":1,</script>'));
    lab.write('newer', pageOf(template, { v: 2 }));
    for (const name of ['missing', 'damaged', 'newer']) {
      const context = await lab.browser.newContext({ offline: true }), page = await context.newPage();
      const errors = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(lab.url(name));
      assert.match(await page.textContent('body'), /holds no data that it understands/, name);
      assert.deepEqual(errors, []);
      await context.close();
    }
  }],
  ['the facts\' text is escaped so that it cannot end its element', async (lab) => {
    const text = escaped(lab.facts.hostile);
    assert.ok(!/[<>&\u2028\u2029]/.test(text));
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(lab.facts.hostile)));
  }],
];
