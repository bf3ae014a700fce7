/* Filters, keys, addresses, and tables of thousands of rows. */
import assert from 'node:assert/strict';
import { VIEWS } from './lab.mjs';

const focus = (page) => page.evaluate(() => ({ tag: document.activeElement?.tagName, id: document.activeElement?.id, row: document.activeElement?.dataset?.row, index: document.activeElement?.getAttribute('aria-rowindex'), type: document.activeElement?.getAttribute('type') }));
const view = (page) => page.evaluate(() => document.documentElement.dataset.view);
const rowCount = async (page, id) => Number(await page.getAttribute(`#grid-${id}`, 'aria-rowcount')) - 1;
const shown = (page) => page.textContent('.count');

async function closed(lab, page) {
  assert.deepEqual(await lab.done(page), []);
}

export const keyboard = [
  ['filters show what matches, and stand in the address', async (lab) => {
    const facts = lab.facts.small, page = await lab.page('small', { hash: '#rules' });
    await page.fill('input.filter', 'min_value');
    assert.equal(await rowCount(page, 'rules'), facts.checks.filter((check) => `${check.id} ${check.rule}`.includes('min_value')).length);
    await page.selectOption('.filters select >> nth=0', 'sales');
    const expected = facts.checks.filter((check) => check.source === 'sales' && `${check.id} ${check.rule}`.includes('min_value')).length;
    assert.equal(await rowCount(page, 'rules'), expected);
    assert.ok(expected > 0 && expected < facts.checks.length);
    assert.match(await shown(page), new RegExp(`^${expected} of ${facts.checks.length}`));
    const hash = await page.evaluate(() => location.hash);
    assert.equal(hash, '#rules?q=min_value&source=sales');
    await page.reload();
    assert.equal(await rowCount(page, 'rules'), expected);
    assert.equal(await page.inputValue('input.filter'), 'min_value');
    await page.fill('input.filter', 'nothing has this name');
    assert.ok(await page.isVisible('.griddy .empty'));
    await page.selectOption('.filters select >> nth=0', '');
    await page.fill('input.filter', '');
    await page.selectOption('.filters select >> nth=1', 'failing');
    assert.equal(await rowCount(page, 'rules'), facts.checks.filter((check) => check.failed > 0).length);
    await closed(lab, page);
  }],
  ['the filters of files, columns and quarantine', async (lab) => {
    const facts = lab.facts.small;
    const files = await lab.page('small', { hash: '#files?verdict=failed' });
    assert.equal(await rowCount(files, 'files'), facts.files.filter((file) => file.verdict === 'failed').length);
    await closed(lab, files);
    const columns = await lab.page('small', { hash: '#columns?source=users&q=date' });
    assert.equal(await rowCount(columns, 'columns'), facts.columns.filter((column) => column.source === 'users' && `${column.name} ${column.type}`.includes('date')).length);
    await closed(lab, columns);
    const rows = await lab.page('small', { hash: '#quarantine?source=users' });
    assert.match(await shown(rows), new RegExp(`^${facts.quarantine.rows.filter((row) => row.source === 'users').length} of ${facts.quarantine.rows.length}`));
    await closed(lab, rows);
  }],
  ['views by digits, by arrows between tabs, by address; back goes back', async (lab) => {
    const page = await lab.page('small');
    for (const [i, name] of VIEWS.entries()) {
      await page.keyboard.press(String(i + 1));
      assert.equal(await view(page), name);
    }
    await page.goBack();
    assert.equal(await view(page), 'business');
    await page.focus('#tab-business');
    await page.keyboard.press('ArrowRight');
    assert.equal(await view(page), 'run');
    await page.keyboard.press('ArrowRight');
    assert.equal(await view(page), 'overview');
    assert.equal((await focus(page)).id, 'tab-overview');
    await page.keyboard.press('End');
    assert.equal(await view(page), 'run');
    assert.deepEqual(await page.$$eval('[role=tab][tabindex="0"]', (all) => all.map((one) => one.id)), ['tab-run']);
    await closed(lab, page);
  }],
  ['skip link, / and Escape, ? and what it shows', async (lab) => {
    const page = await lab.page('small', { hash: '#rules' });
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    assert.equal((await focus(page)).id, 'main');
    await page.keyboard.press('/');
    assert.equal((await focus(page)).type, 'search');
    await page.keyboard.type('1/?');
    assert.equal(await page.inputValue('input.filter'), '1/?');
    assert.equal(await view(page), 'rules');
    await page.keyboard.press('Escape');
    assert.notEqual((await focus(page)).type, 'search');
    await page.keyboard.press('?');
    assert.ok(await page.isVisible('dialog'));
    await page.uncheck('dialog input');
    await page.keyboard.press('Escape');
    assert.ok(!(await page.isVisible('dialog')));
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('2'); // switched off
    assert.equal(await view(page), 'rules');
    await closed(lab, page);
  }],
  ['the focus can be seen', async (lab) => {
    const page = await lab.page('small', { hash: '#files' });
    let seen = 0;
    for (let i = 0; i < 24; i++) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate(() => { const s = getComputedStyle(document.activeElement); return [document.activeElement.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]; });
      if (outline[0] === 'BODY') break;
      seen++;
      assert.ok(outline[1] !== 'none' && outline[2] >= 1, `no outline on ${outline}`);
    }
    assert.ok(seen > 12);
    await closed(lab, page);
  }],
  ['3,000 checks: few rows are elements, all can be reached by keys, screen readers get the true counts', async (lab) => {
    const page = await lab.page('large', { hash: '#rules' }), n = lab.facts.large.checks.length;
    assert.equal(n, 3000);
    assert.equal(await rowCount(page, 'rules'), n);
    const elements = () => page.$$eval('#grid-rules tbody tr[data-row]', (rows) => rows.length);
    assert.ok((await elements()) < 80);
    await page.focus('#grid-rules tbody tr[data-row="0"]');
    await page.keyboard.press('ArrowDown');
    assert.deepEqual([(await focus(page)).row, (await focus(page)).index], ['1', '3']);
    await page.keyboard.press('End');
    assert.deepEqual([(await focus(page)).row, (await focus(page)).index], ['2999', '3001']);
    assert.ok((await elements()) < 80);
    await page.keyboard.press('PageUp');
    assert.ok(Number((await focus(page)).row) < 2995);
    await page.keyboard.press('Home');
    for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowDown');
    assert.equal((await focus(page)).row, '60');
    const inSight = await page.evaluate(() => { const box = document.querySelector('.gridbox').getBoundingClientRect(), row = document.activeElement.getBoundingClientRect(); return row.top >= box.top - 1 && row.bottom <= box.bottom + 1; });
    assert.ok(inSight, 'the row with the focus is in sight');
    await page.keyboard.press('Enter');
    assert.ok(await page.isVisible('.detail'));
    assert.equal(await page.getAttribute('#grid-rules tr[aria-selected="true"]', 'data-row'), '60');
    await page.keyboard.press('Enter');
    assert.ok(!(await page.isVisible('.detail')));
    assert.deepEqual(await page.$$eval('#grid-rules tbody tr[tabindex="0"]', (rows) => rows.length), 1);
    await page.$eval('.gridbox', (box) => { box.scrollTop = 60000; }); // by hand: the row with the focus is gone
    await page.waitForSelector('#grid-rules tr[data-row="1500"]');
    await page.keyboard.press('ArrowDown');
    assert.equal((await focus(page)).row, '61');
    await closed(lab, page);
  }],
  ['scrolling by hand ends at the last row; the order of rows is the facts\', then as sorted', async (lab) => {
    const page = await lab.page('large', { hash: '#files' }), files = lab.facts.large.files;
    await page.$eval('.gridbox', (box) => { box.scrollTop = box.scrollHeight; });
    await page.waitForSelector(`#grid-files tr[data-row="${files.length - 1}"]`);
    const last = await page.textContent(`#grid-files tr[data-row="${files.length - 1}"] th`);
    assert.equal(last, files.at(-1).member ?? files.at(-1).path.split('/').pop());
    await page.click('#grid-files thead th:nth-child(4) button');
    assert.equal(await page.getAttribute('#grid-files thead th:nth-child(4)', 'aria-sort'), 'descending');
    const most = Math.max(...files.map((file) => file.rows));
    assert.equal((await page.textContent('#grid-files tr[data-row="0"] td:nth-child(4)')).replace(/,/g, ''), String(most));
    await page.click('#grid-files thead th:nth-child(4) button');
    assert.equal(await page.getAttribute('#grid-files thead th:nth-child(4)', 'aria-sort'), 'ascending');
    await closed(lab, page);
  }],
  ['links lead from a figure to what is behind it', async (lab) => {
    const page = await lab.page('small');
    await page.click('.steps a >> nth=0');
    assert.equal(await page.evaluate(() => location.hash), '#files?verdict=failed');
    await page.goBack();
    await page.click('.issues a >> nth=3');
    assert.equal(await view(page), 'rules');
    assert.ok(await page.isVisible('.detail'));
    await closed(lab, page);
  }],
];
