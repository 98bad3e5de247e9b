import { createTheme, type CSSVariablesResolver } from '@mantine/core';

/** What styles made in the browser must name under our Content-Security-Policy. */
export const nonce =
  document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

/** Contrast of at least 4.5:1 everywhere; axe judges it in the tests. */
export const theme = createTheme({
  primaryShade: 8,
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  defaultRadius: 'md',
  headings: { sizes: { h1: { fontSize: '1.35rem' }, h2: { fontSize: '1.05rem' }, h3: { fontSize: '0.95rem' } } },
  components: {
    // a state that is cut off says nothing
    Badge: { defaultProps: { tt: 'none', fw: 600, miw: 'max-content' } },
    Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Tabs: { styles: { list: { flexWrap: 'nowrap', overflowX: 'auto' } } },
    Table: { defaultProps: { verticalSpacing: 8 } },
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true } } },
  },
});

export const cssVariables: CSSVariablesResolver = (of) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': of.colors.gray[7],
    '--mantine-color-placeholder': of.colors.gray[7],
    '--mantine-color-anchor': of.colors.blue[9],
    '--mantine-color-error': of.colors.red[9],
    '--mantine-color-teal-light-color': '#055c45',
    '--mantine-color-orange-light-color': '#8a3b00',
    '--mantine-color-yellow-light-color': '#6b4e00',
    '--mantine-color-red-light-color': '#a51111',
    '--mantine-color-gray-light-color': of.colors.gray[8],
    '--mantine-color-blue-light-color': '#0b4f8a',
    '--series-1': '#0072b2',
    '--series-2': '#d55e00',
    '--series-3': '#009e73',
    '--series-4': '#cc79a7',
  },
  dark: {
    '--mantine-color-dimmed': of.colors.dark[1],
    '--mantine-color-placeholder': of.colors.dark[1],
    '--mantine-color-anchor': of.colors.blue[3],
    '--mantine-color-error': of.colors.red[4],
    '--mantine-color-gray-light-color': of.colors.gray[3],
    '--series-1': '#56b4e9',
    '--series-2': '#e69f00',
    '--series-3': '#009e73',
    '--series-4': '#cc79a7',
  },
});
