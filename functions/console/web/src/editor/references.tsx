import { MultiSelect, Select } from '@mantine/core';

import { useAllConversions } from '../api/queries';
import { useFault, useText } from './form';

function useNames(without: string[]) {
  const list = useAllConversions();
  return (list.data?.conversions ?? [])
    .filter(({ id }) => !without.includes(id))
    .map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` }));
}

/** One of the other conversions. */
export function ConversionSelect(props: {
  path: string;
  value: string;
  without: string[];
  change: (id: string) => void;
  clearable?: boolean;
}) {
  const { label, description } = useText(props.path);
  return (
    <Select
      label={label}
      description={description}
      placeholder="Choose a conversion"
      searchable
      clearable={props.clearable ?? false}
      data={useNames(props.without)}
      value={props.value || null}
      onChange={(id) => props.change(id ?? '')}
      error={useFault(props.path)}
      maw={420}
      data-field={props.path}
    />
  );
}

/** Some of the other conversions, in order. */
export function ConversionsSelect(props: {
  path: string;
  value: string[];
  without: string[];
  change: (ids: string[]) => void;
}) {
  const { label, description } = useText(props.path);
  return (
    <MultiSelect
      label={label}
      description={description}
      placeholder={props.value.length ? '' : 'Choose two or more'}
      searchable
      data={useNames(props.without)}
      value={props.value}
      onChange={props.change}
      error={useFault(props.path)}
      withAsterisk
      data-field={props.path}
    />
  );
}
