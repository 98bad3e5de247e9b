import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

declare const process: { env: Record<string, string | undefined> };
const stack = process.env.CONVERSIONS_STACK ?? 'http://127.0.0.1:8080';
const forwarded = Object.fromEntries(
  ['/api', '/validate-sql', '/export-preview'].map((path) => [path, stack]),
);

export default defineConfig({
  plugins: [react()],
  server: { proxy: forwarded },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // the policy allows neither inline scripts nor data: fonts
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
});
