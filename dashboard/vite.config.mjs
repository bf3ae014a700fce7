/* Builds ONE file, page.html: index.html with the script and the style sheet put in, and a policy that lets in
 * just those two by their hashes. `ECLUSE_PAGE_OUT` names the folder (default: dist). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const hash = (text) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;

function onePage() {
  return {
    name: 'one-page',
    enforce: 'post',
    generateBundle(_options, bundle) {
      let script = '', style = '';
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === 'chunk') script += part.code;
        else if (name.endsWith('.css')) style += part.source;
        else this.error(`${name} would be a file of its own`);
        delete bundle[name];
      }
      script = script.trim();
      style = style.trim();
      if (!script || !style) this.error('the script or the style sheet is missing');
      if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) this.error('the page would end its own script or style');
      const policy = ["default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, 'img-src data:',
        "base-uri 'none'", "form-action 'none'"].join('; ');
      const put = { '<!--policy-->': policy, '/*style*/': style, '/*script*/': script };
      let page = readFileSync(`${root}index.html`, 'utf8');
      for (const [mark, text] of Object.entries(put)) {
        if (page.split(mark).length !== 2) this.error(`index.html must hold ${mark} once`);
        page = page.replace(mark, () => text);
      }
      if (page.split('<!--facts-->').length !== 2) this.error('the page must hold <!--facts--> once');
      this.emitFile({ type: 'asset', fileName: 'page.html', source: page });
    },
  };
}

export default defineConfig({
  root,
  logLevel: 'warn',
  plugins: [onePage()],
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: process.env.ECLUSE_PAGE_OUT || 'dist',
    emptyOutDir: false,
    target: 'es2020',
    cssTarget: 'chrome100',
    modulePreload: false,
    reportCompressedSize: false,
    lib: { entry: 'src/main.ts', formats: ['iife'], name: 'ecluse', fileName: () => 'page.js' },
  },
});
