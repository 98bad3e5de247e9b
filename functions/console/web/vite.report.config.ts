import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The report as one file that needs no other: script and style stand in the page. */
const inline: Plugin = {
  name: 'inline',
  enforce: 'post',
  generateBundle(_, bundle) {
    const page = bundle['report.html'];
    if (page?.type !== 'asset') return;
    let html = String(page.source);
    for (const [name, file] of Object.entries(bundle)) {
      if (file === page) continue;
      // there is nothing to preload; Vite itself would put this in after us
      const text = file.type === 'chunk' ? file.code.replaceAll('__VITE_PRELOAD__', 'void 0') : String(file.source);
      const tag = new RegExp(`<(script|link)[^>]*"/${name.replaceAll('.', '\\.')}"[^>]*>(</script>)?`);
      const style = name.endsWith('.css');
      html = html.replace(tag, '');
      // an end tag inside of a text would end the element around it
      const safe = text.replaceAll('</script', '<\\/script').replaceAll('</style', '<\\/style');
      const element = style ? `<style>${safe}</style></head>` : `<script type="module">${safe}</script></body>`;
      html = html.replace(style ? '</head>' : '</body>', () => element);
      delete bundle[name];
    }
    page.source = html;
  },
};

export default defineConfig({
  plugins: [react(), inline],
  build: {
    outDir: 'generated',
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    copyPublicDir: false,
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: 'report.html', output: { codeSplitting: false } },
  },
});
