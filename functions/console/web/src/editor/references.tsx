import { MultiSelect } from '@mantine/core';

import { useAllConversions } from '../api/queries';
import { Search, withChosen } from '../ui/search';
import { useFieldError, useText } from './form';

function useNames(without: string[]) {
  const list = useAllConversions();
  const data = (list.data?.conversions ?? [])
    .filter(({ id }) => !without.includes(id))
    .map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` }));
  const missing = list.isError
    ? `The conversions could not be listed: ${list.error.message}`
    : list.isPending
      ? 'Loading the conversions'
      : 'There is no other conversion of that name';
  return { data, nothingFoundMessage: missing, problem: list.isError ? missing : undefined };
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
  const { problem, data, nothingFoundMessage } = useNames(props.without);
  return (
    <Search
      label={label}
      description={description}
      placeholder="Choose a conversion"
      clearable={props.clearable ?? false}
      data={withChosen(data, props.value)}
      nothingFoundMessage={nothingFoundMessage}
      value={props.value || null}
      onChange={(id) => props.change(id ?? '')}
      error={useFieldError(props.path) ?? problem}
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
  const { problem, ...names } = useNames(props.without);
  return (
    <MultiSelect
      label={label}
      description={description}
      placeholder={props.value.length ? '' : 'Choose two or more'}
      searchable
      limit={100}
      {...names}
      value={props.value}
      onChange={props.change}
      error={useFieldError(props.path) ?? problem}
      withAsterisk
      data-field={props.path}
    />
  );
}
