import { Anchor } from '@mantine/core';
import { Link } from 'wouter';

import type { Incident } from '../api/types';

const ID = /^[a-z][a-z0-9_]*$/;

/** Whom an incident is about, as a link where there is a page of it; nothing for the whole project. */
export function Subject({ incident, name }: { incident: Incident; name?: string | undefined }) {
  if (!incident.conversion) return null;
  // a delivery is about a destination and a conversion
  const [id = '', conversion] = incident.conversion.split('/');
  if (!ID.test(id)) return <b>{id.startsWith('stage:') ? 'GA4' : incident.conversion}</b>;
  const place = incident.source === 'export' ? 'destinations' : 'conversions';
  return (
    <Anchor component={Link} href={`/${place}/${id}`} size="sm" underline="always">
      {name ?? (conversion ? `${id}, ${conversion}` : id)}
    </Anchor>
  );
}
