/* What the browser tests share: Debian's Chromium with the network cut, and the page with sample facts in it.
 *
 * The page is opened from disk. Whatever asks for anything but that one file, violates the page's policy, throws, or
 * writes an error to the console is kept in `page.faults`, and a test that leaves one there has failed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { page as pageOf, samples } from '../../dashboard/scripts/sample.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

export function templatePath() {
  const path = process.env.ECLUSE_PAGE ?? resolve(ROOT, 'build/dashboard/page.html');
  if (!existsSync(path)) throw new Error(`${path} is not there: build first, or name the template in ECLUSE_PAGE`);
  return path;
}

export class Lab {
  static async open() {
    const lab = new Lab();
    lab.folder = mkdtempSync(join(tmpdir(), 'ecluse-browser-'));
    lab.facts = samples();
    const template = readFileSync(templatePath(), 'utf8');
    lab.bytes = {};
    for (const [name, value] of Object.entries(lab.facts)) lab.write(name, pageOf(template, value));
    if (!CHROMIUM) throw new Error('Chromium is not installed: scripts/install-dependencies --tests');
    // Root has no user to drop to, so Chromium's sandbox cannot start.
    lab.browser = await chromium.launch({ executablePath: CHROMIUM, args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb'] });
    return lab;
  }

  write(name, text) {
    this.bytes[name] = Buffer.byteLength(text);
    writeFileSync(join(this.folder, `${name}.html`), text);
  }

  url(name, hash = '') {
    return pathToFileURL(join(this.folder, `${name}.html`)).href + hash;
  }

  async page(name, { hash = '', width = 1280, height = 900, dark = false, language = 'en-GB', still = true, init = null } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, locale: language, colorScheme: dark ? 'dark' : 'light', reducedMotion: still ? 'reduce' : 'no-preference', offline: true });
    const page = await context.newPage();
    page.faults = [];
    const own = this.url(name);
    page.on('request', (request) => {
      const url = request.url().replace(/#.*/, '');
      if (url !== own && !url.startsWith('data:')) page.faults.push(`request: ${url}`);
    });
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.faults.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => page.faults.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => { page.faults.push('a dialog'); void dialog.dismiss(); });
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    if (init) await page.addInitScript(init);
    await page.goto(this.url(name, hash));
    await page.waitForSelector('main .view', { state: 'attached' });
    return page;
  }

  /* To another view of the page that is open: much cheaper than another page. */
  async go(page, hash) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    const view = hash.replace(/^#|\?.*/g, '');
    await page.waitForSelector(`html[data-view="${view}"] main .view`, { state: 'attached' });
  }

  async done(page) {
    const violations = await page.evaluate(() => window.violations);
    await page.context().close();
    return [...page.faults, ...violations.map((one) => `policy: ${one}`)];
  }

  async close() {
    await this.browser.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const VIEWS = ['overview', 'files', 'rules', 'columns', 'quarantine', 'business', 'run'];

/* Draws every chart of the view, wherever it lies; they wait until they come into sight. All of it happens in the page, frame
 * by frame: asked from here, each chart would cost a dozen calls and waits between them. */
export async function drawAll(page) {
  const blank = await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (const canvas of document.querySelectorAll('.canvas')) {
      if (!canvas.getClientRects().length) continue;
      canvas.scrollIntoView({ block: 'nearest' });
      for (let frames = 0; canvas.dataset.drawn !== '1'; frames++) {
        if (frames === 3000) return canvas.id;
        await frame();
      }
    }
    await frame();
    await frame();
    return null;
  });
  if (blank !== null) throw new Error(`${blank} was not drawn`);
}
