/* The pictures of the documents, of the sample facts: each at most 250 KB. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, ROOT, drawAll } from './lab.mjs';

const folder = process.argv[2] ?? join(ROOT, 'docs/images');
const BYTES_MAX = 250 * 1024;
const PICTURES = [
  ['dashboard-overview', { width: 1280, height: 1010 }, '#overview'],
  ['dashboard-overview-dark-fr', { width: 1280, height: 1010, dark: true, language: 'fr-FR' }, '#overview'],
  ['dashboard-business', { width: 1280, height: 1080 }, '#business'],
  ['dashboard-rules', { width: 1280, height: 900 }, '#rules?status=failing'],
  ['dashboard-phone', { width: 390, height: 844 }, '#overview'],
];
const lab = await Lab.open();
mkdirSync(folder, { recursive: true });
for (const [name, options, hash] of PICTURES) {
  const page = await lab.page('small', { ...options, hash }), path = join(folder, `${name}.png`);
  await drawAll(page);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path });
  const faults = await lab.done(page);
  const { size } = statSync(path);
  console.log(`${path} ${size} bytes`);
  if (faults.length || size > BYTES_MAX) {
    console.error(faults.join('\n') || `${name} is larger than ${BYTES_MAX} bytes`);
    process.exitCode = 1;
  }
}
await lab.close();
