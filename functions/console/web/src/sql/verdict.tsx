import { Badge, Button, Code, CopyButton, Group, List, Paper, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';

import type { Validate } from '../api/types';
import { bytes, count, day, NONE, percent, plural, price } from '../ui/format';
import { Figure, Sparkline } from '../ui/parts';

export type Issue = Validate['Issue'];
/** The answer, in which what has a default is never left out. */
export type Verdict = Required<Omit<Validate['Validated'], 'profile' | 'predicted_value'>> & {
  profile: Required<Validate['Profile']> | null;
  predicted_value: Required<Validate['PredictedValue']> | null;
};

const COLORS = { error: 'red', warning: 'orange', info: 'blue' };
const SIGNS = { error: '✕', warning: '!', info: 'i' };

/** Everything found in the query: where, why, what to write; one press writes it. */
export function Findings(props: {
  verdict: Verdict;
  jump: (issue: Issue) => void;
  fix: (issue: Issue) => void;
  fixable: (issue: Issue) => boolean;
  adopt: (text: string) => void;
}) {
  const { issues, suggestion } = props.verdict;
  if (!issues.length) {
    return (
      <Badge color="teal" variant="light" size="lg" leftSection={<span aria-hidden>✓</span>}>
        Nothing to mend
      </Badge>
    );
  }
  return (
    <Stack gap="xs">
      {suggestion && (
        <Group gap="xs">
          <Button size="xs" onClick={() => props.adopt(suggestion)}>
            Use the suggested query
          </Button>
          <Text size="xs" c="dimmed">
            All that can be mended by itself; Ctrl+Z takes it back.
          </Text>
        </Group>
      )}
      <List listStyleType="none" spacing="xs" aria-label="Findings">
        {issues.map((issue, index) => (
          <List.Item key={`${issue.code}${issue.line}${index}`} styles={{ itemWrapper: { display: 'block' } }}>
            <Paper withBorder p="xs">
              <Group gap="xs" mb={4}>
                <Badge
                  color={COLORS[issue.severity]}
                  variant="light"
                  leftSection={<span aria-hidden>{SIGNS[issue.severity]}</span>}
                >
                  {{ error: 'Error', warning: 'Warning', info: 'Remark' }[issue.severity]}
                </Badge>
                {issue.line != null && (
                  <Button size="compact-sm" variant="subtle" onClick={() => props.jump(issue)}>
                    Line {issue.line}
                  </Button>
                )}
                <Text size="xs" c="dimmed">
                  {issue.code}
                </Text>
              </Group>
              <Text size="sm">{issue.message}</Text>
              {issue.fix && (
                <Group gap="xs" mt={6} align="flex-start">
                  <Code block style={{ whiteSpace: 'pre-wrap', flex: '1 1 240px' }}>
                    {issue.fix}
                  </Code>
                  {props.fixable(issue) ? (
                    <Button size="xs" variant="light" onClick={() => props.fix(issue)}>
                      Apply
                    </Button>
                  ) : (
                    <CopyButton value={issue.fix}>
                      {({ copied, copy }) => (
                        <Button size="xs" variant="default" onClick={copy}>
                          {copied ? 'Copied' : 'Copy'}
                        </Button>
                      )}
                    </CopyButton>
                  )}
                </Group>
              )}
            </Paper>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}

/** What the query returns and costs: figures, columns, sample rows. */
export function Returned({ verdict }: { verdict: Verdict }) {
  const { profile, cost } = verdict;
  return (
    <Stack gap="md">
      {(profile || cost?.bytes_per_run != null) && (
        <Group gap="xl">
          {profile && <Figure name={`Rows, ${day(profile.start_date)} to ${day(profile.end_date)}`}>{count(profile.rows)}</Figure>}
          {profile && (
            <Figure name="Found in GA4" note="rows whose client id GA4 knows">
              {percent(profile.attributed_share)}
            </Figure>
          )}
          <Figure name="Read in a daily run">{bytes(cost?.bytes_per_run)}</Figure>
          <Figure name={`Price a month, ${cost?.currency ?? ''}`}>{price(cost?.price_per_month)}</Figure>
          {profile && profile.days.length > 1 && (
            <Sparkline values={profile.days.map((one) => one.conversions)} label="Rows a day" />
          )}
        </Group>
      )}
      {cost && (cost.tables?.length ?? 0) > 0 && <Tables cost={cost} />}
      {verdict.columns.length > 0 && (
        <Table.ScrollContainer minWidth={0}>
          <Table aria-label="Columns">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Column</Table.Th>
                <Table.Th>Type</Table.Th>
                <Table.Th>Part</Table.Th>
                {profile && <Table.Th className="number">Empty</Table.Th>}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {verdict.columns.map((column) => (
                <Table.Tr key={column.name}>
                  <Table.Td>
                    <Code>{column.name}</Code>
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{column.type}</Table.Td>
                  <Table.Td>{ROLES[column.role]}</Table.Td>
                  {profile && <Table.Td className="number">{percent(profile.null_share[column.name])}</Table.Td>}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {verdict.sample.length > 0 && <Sample rows={verdict.sample} />}
    </Stack>
  );
}

/** What each table adds to the price, the dearest first. */
function Tables({ cost }: { cost: NonNullable<Verdict['cost']> }) {
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="Cost by table">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Table read</Table.Th>
            <Table.Th className="number">In a daily run</Table.Th>
            <Table.Th className="number wide-only">Share</Table.Th>
            <Table.Th className="number">A month, {cost.currency}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {cost.tables?.map((one) => (
            <Table.Tr key={one.table}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.table}</Table.Td>
              <Table.Td className="number">{bytes(one.bytes_per_run)}</Table.Td>
              <Table.Td className="number wide-only">{percent(one.share)}</Table.Td>
              <Table.Td className="number">{price(one.price_per_month)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

const ROLES = {
  contract: 'Of the contract',
  identifier: 'Identifier, for exports',
  feature: 'Feature of the model',
  unknown: 'Not used',
};

function Sample({ rows }: { rows: Record<string, unknown>[] }) {
  const names = Object.keys(rows[0] ?? {});
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {plural(rows.length, 'sample row')}
      </Text>
      <Table.ScrollContainer minWidth={0} maxHeight={320} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table stickyHeader fz="xs" aria-label="Sample rows">
          <Table.Thead>
            <Table.Tr>
              {names.map((name) => (
                <Table.Th key={name}>{name}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row, index) => (
              <Table.Tr key={index}>
                {names.map((name) => (
                  <Table.Td key={name} style={{ whiteSpace: 'nowrap', maxWidth: 280 }} className="clip">
                    {shown(row[name])}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}

export function shown(value: unknown): ReactNode {
  if (value == null) return NONE;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
