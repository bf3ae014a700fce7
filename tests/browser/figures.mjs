/* What the page shows is what the facts say: figures, tables, and charts that are not blank. */
import assert from 'node:assert/strict';
import { VIEWS, drawAll } from './lab.mjs';

const int = (x) => (x === null || x === undefined ? '–' : new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 }).format(x));
const floor1 = (x) => (x === null ? '–' : new Intl.NumberFormat('en-GB', { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(Math.floor(x * 10 + 1e-9) / 10));
const plain = (text) => text.replace(/\s+/g, ' ').trim();

/* Opens the table behind a chart and reads it. */
export async function tableOf(page, id) {
  await page.click(`[data-figure="${id}"] button[aria-controls="table-${id}"]`);
  return page.$$eval(`#table-${id} tbody tr`, (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
}

/* How much of a chart is drawn: the share of its pixels that are not its ground. */
export const inked = (page) => page.$$eval('.canvas', (all) => all.filter((box) => box.clientWidth).map((box) => {
  let ink = 0, colours = new Set();
  for (const canvas of box.querySelectorAll('canvas')) {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) { ink++; colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]); }
  }
  return { id: box.id, ink, colours: colours.size };
}));

async function closed(lab, page) {
  assert.deepEqual(await lab.done(page), []);
}

export const figures = [
  ['overview: verdict, tiles, heatmap, strip and issues are the facts', async (lab) => {
    const facts = lab.facts.small, page = await lab.page('small');
    assert.equal(await page.getAttribute('#verdict', 'data-verdict'), facts.run.verdict);
    assert.equal(plain(await page.textContent('#verdict')), 'Failed');
    assert.equal(await page.textContent('[data-fact="run.id"]'), facts.run.id);
    const values = await page.$$eval('[data-tile] .value', (all) => all.map((one) => [one.closest('[data-tile]').dataset.tile, one.dataset.value]));
    assert.deepEqual(Object.fromEntries(values), { score: String(facts.run.score), passed: String(facts.run.by_verdict.passed), read: String(facts.run.read), accepted: String(facts.run.accepted), quarantined: String(facts.run.quarantined), money: String(facts.run.money_affected) });
    assert.equal(plain(await page.textContent('[data-tile="read"] .value')), int(facts.run.read));
    assert.deepEqual(await page.$$eval('[data-tile] svg.spark', (all) => all.map((one) => one.dataset.points)), facts.runs.id.slice(-30).length === 30 ? Array(6).fill('30') : []);
    const heat = await page.$$eval('#heatmap tbody tr', (rows) => rows.map((row) => [...row.querySelectorAll('[data-score]')].map((cell) => cell.dataset.score)));
    const order = ['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness', 'overall'];
    assert.deepEqual(heat, facts.sources.map((source) => order.map((name) => String(source.scores[name]))));
    assert.equal(await page.$$eval('#heatmap .under', (all) => all.length), facts.sources.flatMap((source) => order.map((name) => source.scores[name] !== null && source.scores[name] < source.threshold)).filter(Boolean).length);
    assert.deepEqual(await page.$$eval('[data-strip] .value', (all) => all.map((one) => one.dataset.value)), facts.business.strip.map((one) => String(one.value)));
    assert.deepEqual(await page.$$eval('[data-strip]', (all) => all.map((one) => Boolean(one.querySelector('.trust.warn')))), facts.business.strip.map((one) => one.touched.length > 0));
    assert.deepEqual(await page.$$eval('.issue', (all) => all.map((one) => one.textContent)), facts.issues.map((issue) => issue.text));
    await page.click('.figures summary');
    const last = await page.$$eval('.figures tbody tr:last-child > *', (cells) => cells.map((cell) => cell.textContent));
    assert.deepEqual([last[0], last[4]], [facts.run.id, int(facts.run.read)]);
    await closed(lab, page);
  }],
  ['overview: the four verdicts differ in word, shape and colour', async (lab) => {
    const seen = new Set(), shapes = new Set();
    for (const name of ['small', 'passed', 'warned', 'errored', 'empty']) {
      const page = await lab.page(name);
      seen.add(await page.textContent('#verdict'));
      shapes.add(await page.$eval('.hero .mark path', (one) => one.getAttribute('d')));
      assert.equal(await page.getAttribute('#verdict', 'data-verdict'), lab.facts[name].run.verdict);
      assert.ok((await page.$$('.steps li')).length > 0, `${name} says what to do next`);
      await closed(lab, page);
    }
    assert.equal(seen.size, 5);
    assert.equal(shapes.size, 5);
  }],
  ['every chart of every view is drawn, and every one has a table behind it', async (lab) => {
    let charts = 0;
    const page = await lab.page('small');
    for (const view of VIEWS) {
      const open = { rules: `?check=${encodeURIComponent(`sales/${lab.facts.small.checks.find((check) => check.source === 'sales' && check.failed).id}`)}`, columns: '?column=sessions%2Freferrer' }[view] ?? '';
      await lab.go(page, `#${view}${open}`);
      await drawAll(page);
      for (const chart of await inked(page)) {
        charts++;
        assert.ok(chart.ink > 400 && chart.colours > 8, `${view} ${chart.id} is blank: ${JSON.stringify(chart)}`);
        const rows = await tableOf(page, chart.id.replace('chart-', ''));
        assert.ok(rows.length > 0 && rows.every((row) => row.some((cell) => /\d/.test(cell))), `${chart.id} has no figures in its table`);
      }
    }
    await closed(lab, page);
    assert.ok(charts >= 25, `${charts} charts`);
    console.log(`     ${charts} charts`);
  }],
  ['files: the table, the arrival calendar and the flow are the facts', async (lab) => {
    const facts = lab.facts.small, page = await lab.page('small', { hash: '#files', width: 1600, height: 3000 });
    assert.equal(await page.getAttribute('#grid-files', 'aria-rowcount'), String(facts.files.length + 1));
    const first = await page.$$eval('#grid-files tbody tr[data-row="0"] > *', (cells) => cells.map((cell) => cell.textContent.trim()));
    const file = facts.files[0];
    assert.equal(first[0], file.member ?? file.path.split('/').pop());
    assert.equal(first[3], int(file.rows));
    assert.equal(first[7], floor1(file.scores.overall));
    assert.match(first[8], new RegExp(`^${file.errors[0].slice(0, 20)}`));
    const flow = await tableOf(page, 'flow');
    assert.deepEqual(flow.at(-1), ['Total', ...['read', 'accepted', 'quarantined', 'duplicate'].map((key) => int(facts.run[key]))]);
    assert.deepEqual(flow.slice(0, -1), facts.sources.map((source) => [source.name, ...['read', 'accepted', 'quarantined', 'duplicate'].map((key) => int(source[key]))]));
    const days = new Map();
    for (const { arrival } of facts.sources) arrival.day.forEach((day, i) => days.set(day, (days.get(day) ?? 0) + arrival.files[i]));
    const arrival = await tableOf(page, 'arrival');
    assert.equal(arrival.length, days.size);
    assert.deepEqual(arrival.map((row) => row[1]), [...days.keys()].sort().map((day) => int(days.get(day))));
    const trend = await tableOf(page, 'source-trend'), first_run = facts.runs.id.length - trend.length;
    assert.equal(trend.length, Math.min(60, facts.runs.id.length));
    for (const [s, source] of facts.sources.entries())
      assert.deepEqual(trend.map((row) => row[s + 1]), trend.map((_, i) => { const at = source.history.run.indexOf(first_run + i); return at < 0 ? '–' : floor1(source.history.score[at]); }), source.name);
    await page.selectOption('[data-figure="source-trend"] select', 'read');
    const rows = await tableOf(page, 'source-trend');
    assert.equal(rows.at(-1)[1], int(facts.sources[0].history.read.at(-1)));
    await page.click('#grid-files tbody tr[data-row="0"]');
    assert.match(await page.textContent('.detail'), new RegExp(file.sha256));
    assert.equal(await page.getAttribute('.detail a[href^="validation_report_"]', 'href'), encodeURIComponent(file.report));
    await closed(lab, page);
  }],
  ['rules: figures, samples, history, Pareto, newly failing and fixed are the facts', async (lab) => {
    const facts = lab.facts.small, failing = facts.checks.filter((check) => check.failed), check = failing.find((one) => one.samples[0]?.value);
    const page = await lab.page('small', { hash: `#rules?check=${encodeURIComponent(`${check.source}/${check.id}`)}`, width: 1600 });
    const total = failing.reduce((sum, one) => sum + one.failed, 0), sorted = [...failing].sort((a, b) => b.failed - a.failed);
    const pareto = await tableOf(page, 'pareto');
    assert.deepEqual(pareto.map((row) => row[1]), sorted.slice(0, 15).map((one) => int(one.failed)));
    assert.ok(total > 0 && pareto.at(-1)[2].startsWith('100'));
    const history = await tableOf(page, 'check-history');
    assert.deepEqual(history.map((row) => row[2]), check.history.failed.map(int));
    const samples = await page.$$eval('.detail .scroll tbody tr', (rows) => rows.slice(0, 3).map((row) => [...row.children].map((cell) => cell.textContent.trim())));
    assert.deepEqual(samples, check.samples.map((one) => [one.file, int(one.line), one.value]));
    const cards = await page.$$eval('.cols.even > section.card', (all) => all.slice(0, 2).map((card) => card.querySelectorAll('li').length));
    assert.deepEqual(cards, ['new', 'fixed'].map((change) => facts.checks.filter((one) => one.change === change).length));
    await closed(lab, page);
  }],
  ['columns and quarantine are the facts', async (lab) => {
    const facts = lab.facts.small, page = await lab.page('small', { hash: '#columns?column=sessions%2Freferrer', width: 1600 });
    const column = facts.columns.find((one) => one.source === 'sessions' && one.name === 'referrer');
    assert.equal(await page.getAttribute('#grid-columns', 'aria-rowcount'), String(facts.columns.length + 1));
    const nulls = await tableOf(page, 'nulls');
    assert.equal(nulls.length, column.null_history.run.length);
    assert.ok((await page.textContent('.detail')).includes(int(column.nulls)));
    await page.goto(lab.url('small', '#quarantine'));
    await page.reload();
    const reasons = await tableOf(page, 'reasons');
    assert.deepEqual(reasons.map((row) => row.slice(0, 3)), facts.quarantine.reasons.map((one) => [one.source, one.code, int(one.rows)]));
    const trend = await tableOf(page, 'trend');
    assert.deepEqual(trend.map((row) => row[1]), facts.quarantine.trend.rows.map(int));
    const marked = await page.$$eval('article.row', (rows) => rows.map((row) => [...row.querySelectorAll('td.badcell')].length));
    assert.deepEqual(marked, facts.quarantine.rows.slice(0, marked.length).map((row) => row.cells.filter((cell) => cell.bad).length));
    await closed(lab, page);
  }],
  ['business: every figure of the facts stands in a table', async (lab) => {
    const { business } = lab.facts.small, page = await lab.page('small', { hash: '#business' });
    const funnel = await tableOf(page, 'funnel');
    assert.deepEqual(funnel.map((row) => row[1]), ['sessions', 'viewed', 'carted', 'converted'].map((key) => int(business.funnel[key])));
    assert.equal((await tableOf(page, 'revenue')).length, business.sales.day.length);
    assert.deepEqual((await tableOf(page, 'hours')).map((row) => row[2]), business.hours.sessions.map(int));
    assert.deepEqual((await tableOf(page, 'stock')).map((row) => row.slice(1)), business.products.category.map((_, i) => [business.products.stock_outs[i], business.products.low[i], business.products.medium[i], business.products.high[i]].map(int)));
    assert.deepEqual((await tableOf(page, 'latency')).map((row) => row[3]), business.api_by_category.p99.map((x) => (x === null ? '–' : `${int(x)} ms`)));
    assert.deepEqual((await tableOf(page, 'margins')).map((row) => row[2]), business.products.negative_margins.map(int));
    const shown = (await page.$$('[data-figure]')).length;
    assert.ok(shown >= 16, `${shown} figures`);
    await closed(lab, page);
  }],
  ['run: stages, runs, lineage, tables, archives and alerts are the facts', async (lab) => {
    const facts = lab.facts.small, page = await lab.page('small', { hash: '#run', width: 1600 });
    assert.equal((await tableOf(page, 'stages')).length, facts.run.stages.length);
    assert.equal((await tableOf(page, 'runs-rows')).length, 30);
    const lineage = await tableOf(page, 'lineage');
    assert.deepEqual(lineage.map((row) => [row[0], row[2], row[3]]), facts.lineage.nodes.map((node) => [node.id, int(node.rows), int(node.version)]));
    assert.equal(await page.getAttribute('#grid-runs', 'aria-rowcount'), String(facts.runs.id.length + 1));
    const text = await page.textContent('main');
    for (const one of [...facts.archives.map((archive) => archive.path), ...facts.alerts.map((alert) => alert.target), ...facts.alerts.map((alert) => alert.message).filter(Boolean)]) assert.ok(text.includes(one), one);
    await closed(lab, page);
  }],
  ['a cold start says what is not known yet, and shows no 0 for it', async (lab) => {
    const page = await lab.page('empty');
    for (const view of VIEWS) {
      await lab.go(page, `#${view}`);
      const text = await page.textContent('main');
      assert.match(text, /[Nn]ot known|no file|No file|No check|No column|No row|Nothing/, view);
      if (view === 'overview') {
        assert.equal(await page.getAttribute('[data-tile="score"] .value', 'data-value'), 'null');
        assert.match(await page.textContent('[data-tile="score"] .value'), /^–/);
        assert.match(await page.textContent('[data-tile="money"] .value'), /^–/);
        assert.match(text, /needs 2 runs/);
      }
      assert.ok(!/undefined|NaN|\[object|Infinity/.test(text), view);
      assert.equal((await page.$$('.canvas')).length, 0);
    }
    await closed(lab, page);
  }],
  ['no view of any facts throws, asks for anything or says undefined', async (lab) => {
    for (const name of ['passed', 'warned', 'errored', 'large']) {
      const page = await lab.page(name, { language: name === 'errored' ? 'fr-FR' : 'en-GB' });
      for (const view of VIEWS) {
        await lab.go(page, `#${view}`);
        await drawAll(page);
        assert.deepEqual((await page.textContent('main')).match(/.{0,40}(undefined|NaN|\[object|Infinity|\{\w+\}).{0,40}/g), null, `${name} ${view}`);
      }
      await closed(lab, page);
    }
  }],
];
