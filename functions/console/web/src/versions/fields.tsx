import { Code, Table, Text } from '@mantine/core';

import { changes } from './compare';

/** Fields that differ, before and after. */
export function Fields(props: { before: object; after: object }) {
  const all = changes(props.before, props.after);
  if (!all.length) return <Text size="sm">No field differs.</Text>;
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table aria-label="Changed fields">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Field</Table.Th>
            <Table.Th>Before</Table.Th>
            <Table.Th>After</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {all.map((change) => (
            <Table.Tr key={change.path}>
              <Table.Td>{change.path}</Table.Td>
              <Table.Td>
                <Code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{change.before}</Code>
              </Table.Td>
              <Table.Td>
                <Code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{change.after}</Code>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
