import { Kbd, Modal, Stack, Switch, Table, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { useLayoutEffect } from 'react';

const LISTED: [string, string][] = [
  ['/', 'Search'],
  ['n', 'New conversion'],
  ['Ctrl + S', 'Save'],
  ['Ctrl + Enter', 'Validate the SQL'],
  ['Ctrl + Space', 'Complete the SQL'],
  ['Esc', 'Close'],
  ['?', 'This list'],
];

const useSwitch = () =>
  useLocalStorage({ key: 'single-keys', defaultValue: true, getInitialValueInEffect: false });

/** Runs an act for a key pressed outside of fields; `mod+s` is Ctrl+S, or Cmd+S, everywhere. */
export function useShortcuts(acts: Record<string, () => void>): void {
  const [single] = useSwitch();
  // before it is seen: who sees the screen may press
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const held = event.ctrlKey || event.metaKey;
      const act = acts[held ? `mod+${event.key.toLowerCase()}` : event.key];
      if (!act || event.altKey || (!held && (!single || writing(event.target)))) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  });
}

function writing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  // an open dialog has keys of its own
  return target.isContentEditable || target.closest('input, textarea, select, [role="dialog"]') !== null;
}

export function Keys(props: { opened: boolean; close: () => void }) {
  const [single, setSingle] = useSwitch();
  return (
    <Modal opened={props.opened} onClose={props.close} title="Keys">
      <Stack>
        <Table>
          <Table.Tbody>
            {LISTED.map(([key, act]) => (
              <Table.Tr key={key}>
                <Table.Td>
                  <Kbd>{key}</Kbd>
                </Table.Td>
                <Table.Td>{act}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Switch
          label="Single keys"
          description="Keys that work without Ctrl; switch them off if you dictate."
          checked={single}
          onChange={(event) => setSingle(event.currentTarget.checked)}
        />
        <Text size="xs" c="dimmed">
          While you type in a field, single keys only type.
        </Text>
      </Stack>
    </Modal>
  );
}
