import '@mantine/core/styles.css';
import '../ui/styles.css';

import { Container, MantineProvider, Text, Title } from '@mantine/core';
import { createRoot } from 'react-dom/client';

import { day } from '../ui/format';
import { cssVariables, theme } from '../ui/theme';
import { Console } from './links';
import { Report } from './report';
import type { Shown } from './types';

/** The report as a file of its own: what it shows stands in the page. */
const shown = JSON.parse(document.getElementById('shown')?.textContent ?? 'null') as Shown | null;
const root = document.getElementById('root');
if (root && shown) {
  const { report } = shown;
  createRoot(root).render(
    <MantineProvider theme={theme} defaultColorScheme="auto" cssVariablesResolver={cssVariables}>
      <Console.Provider value={shown.console ?? ''}>
        <Container component="main" size="lg" py="lg">
          <Title order={1}>Conversions</Title>
          <Text c="dimmed" size="sm" mb="lg">
            {day(report.start_date)} to {day(report.end_date)}: all conversions on one page. Numbers lead to the console at{' '}
            {shown.console}, while it runs.
          </Text>
          <Report {...shown} />
        </Container>
      </Console.Provider>
    </MantineProvider>,
  );
}
