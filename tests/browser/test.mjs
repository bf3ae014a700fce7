/* Runs the cases one after the other in one browser. Each gets the lab and an `equal`/`ok` that name what differs. */
import { access } from './access.mjs';
import { figures } from './figures.mjs';
import { frame } from './frame.mjs';
import { hostile } from './hostile.mjs';
import { keyboard } from './keyboard.mjs';
import { Lab } from './lab.mjs';

const word = process.argv[2] ?? '';
const cases = [...figures, ...keyboard, ...hostile, ...access, ...frame].filter(([name]) => name.includes(word));
const lab = await Lab.open();
let passed = 0, failed = 0;
for (const [name, test] of cases) {
  const start = performance.now();
  try {
    await test(lab);
    passed++;
    console.log(`ok   ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n     ${String(error?.stack ?? error).split('\n').slice(0, 14).join('\n     ')}`);
  }
}
await lab.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
