import { Button, Code, Group, Table, Text } from '@mantine/core';

import type { Table as Source } from './complete';

type Column = [name: string, type: string, about: string];

/** What a query of conversions returns; the product description's own table. */
const COLUMNS: Column[] = [
  ['id', 'STRING', 'Required. The conversion or order; each counts once.'],
  ['client_id', 'STRING', 'Required. Google Analytics client id; empty is reported as (not attributed).'],
  ['created', 'TIMESTAMP', 'Required. When it happened; never empty.'],
  ['value', 'FLOAT64', 'What it is worth in money.'],
  ['currency', 'STRING', 'USD, EUR, GBP ...; empty means the currency of the project.'],
  ['is_qualified', 'BOOLEAN', 'Whether it has reached its target status.'],
  ['params', 'ARRAY<STRUCT<key STRING, value STRING>>', 'Anything else, such as country, region and city from the CRM.'],
  ['user_id', 'STRING', 'The person in your CRM; needed for a predicted value.'],
];

/** Opens what a query must return, and starts one for who has none. */
export function Contract(props: { empty: boolean; tables: Source[]; start: (sql: string) => void }) {
  return (
    <>
      {props.empty && (
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => props.start(example(props.tables))}>
            Start from an example
          </Button>
          <Text size="xs" c="dimmed">
            Put your own table and columns in; what is misspelled shows at once.
          </Text>
        </Group>
      )}
      <details>
        <summary>What the query must return</summary>
        <Table fz="sm" mt="xs" aria-label="Columns that the query returns">
          <Table.Tbody>
            {COLUMNS.map(([name, type, about]) => (
              <Table.Tr key={name}>
                <Table.Td>
                  <Code>{name}</Code>
                </Table.Td>
                <Table.Td className="wide-only">
                  <Text size="xs" c="dimmed">
                    {type}
                  </Text>
                </Table.Td>
                <Table.Td>{about}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Text size="sm" my="xs">
          An optional column may be empty now and then; one that is never known is left out of the query. Where a table is cut by days, say which days in its WHERE; the run fills in{' '}
          <Code>@start_date</Code> and <Code>@end_date</Code>.
        </Text>
      </details>
    </>
  );
}

const EXPORT = /\.(events|pseudonymous_users|users)_/;

/** A query over the first table that knows a client id and a moment, else over one to be named. */
export function example(tables: Source[]): string {
  const source = tables.find(
    (table) => !EXPORT.test(table.path) && table.columns.some(isClient) && table.columns.some(isMoment),
  );
  const columns = source?.columns ?? [];
  const has = (name: string) => columns.some((column) => column.name === name);
  const id = columns.find(({ name }) => /(^|_)id$/.test(name) && !/client|user|customer|contact/.test(name));
  const optional = [
    has('value') ? '  value,' : has('total') ? '  total AS value,' : '',
    has('currency') ? '  currency,' : '',
  ].filter(Boolean);
  const moment = columns.find(isMoment)?.name ?? 'created_at';
  const day = columns.some(({ name, type }) => name === 'date' && type === 'DATE') ? 'date' : `DATE(${moment})`;
  return [
    'SELECT',
    `  ${id?.name ?? 'order_id'} AS id,`,
    `  ${columns.find(isClient)?.name ?? 'ga_client_id'} AS client_id,`,
    ...optional,
    `  ${moment} AS created`,
    `FROM \`${source?.path ?? 'project.dataset.orders'}\``,
    `WHERE ${day} BETWEEN @start_date AND @end_date`,
    `  AND ${moment} IS NOT NULL`,
    '',
  ].join('\n');
}

type One = Source['columns'][number];
const isClient = ({ name }: One): boolean => /client_id$/.test(name);
const isMoment = ({ type }: One): boolean => type === 'TIMESTAMP';
