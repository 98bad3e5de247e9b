import { ActionIcon, Button, Group, Stack, Switch } from '@mantine/core';

import type { LeadScoring } from '../api/definitions';
import { NumberBox } from '../ui/number';
import { NumberField, Rows, useForm, useText } from './form';
import { Choice, ErrorOf } from './simple';

type ValueMap = NonNullable<LeadScoring['value_map']>;
type Step = ValueMap['steps'][number];

const NONE: ValueMap = { of: 'value', steps: [], floor: null, cap: null };
const OF = { value: 'Expected value', probability: 'Probability of a win' };

/** What is sent instead of a lead's own value: steps, a floor, a cap. */
export function ValueMapField() {
  const { draft, set } = useForm<LeadScoring>();
  const { label, description } = useText('value_map');
  const map = draft.value_map;
  const put = (part: Partial<ValueMap>) => set({ value_map: { ...NONE, ...map, ...part } });
  return (
    <Stack gap="sm" data-field="value_map">
      <Switch
        label={label}
        description={description}
        checked={map !== null}
        onChange={(event) => set({ value_map: event.currentTarget.checked ? NONE : null })}
      />
      {map !== null && (
        <>
          <Choice path="value_map.of" value={map.of} words={OF} change={(of) => put({ of: of as ValueMap['of'] })} />
          <Steps steps={map.steps} change={(steps) => put({ steps })} />
          <Group align="flex-start">
            <NumberField optional path="value_map.floor" value={map.floor} decimalScale={2} change={(floor) => put({ floor })} />
            <NumberField optional path="value_map.cap" value={map.cap} decimalScale={2} change={(cap) => put({ cap })} />
          </Group>
        </>
      )}
      <ErrorOf path="value_map" />
    </Stack>
  );
}

function Steps({ steps, change }: { steps: Step[]; change: (steps: Step[]) => void }) {
  const replace = (index: number, part: Partial<Step>) =>
    change(steps.map((one, at) => (at === index ? { ...one, ...part } : one)));
  return (
    <Rows path="value_map.steps">
      {steps.map((one, index) => (
        <Group key={index} gap="xs">
          <Bound name={`Step ${index + 1}: from`} value={one.at_least} change={(at_least) => replace(index, { at_least })} />
          <Bound name={`Step ${index + 1}: value`} value={one.value} change={(value) => replace(index, { value })} />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove step ${index + 1}`}
            onClick={() => change(steps.filter((_, at) => at !== index))}
          >
            ✕
          </ActionIcon>
        </Group>
      ))}
      <ErrorOf path="value_map.steps" />
      <Button size="xs" variant="default" w="fit-content" onClick={() => change([...steps, { at_least: 0, value: 0 }])}>
        + Step
      </Button>
    </Rows>
  );
}

function Bound({ name, value, change }: { name: string; value: number; change: (value: number) => void }) {
  return (
    <NumberBox aria-label={name} value={value} min={0} decimalScale={4} w={140} change={change} />
  );
}
