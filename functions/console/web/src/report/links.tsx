import { Anchor } from '@mantine/core';
import { createContext, useContext, type ReactNode } from 'react';
import { Link } from 'wouter';

/** Where the console answers, for a report that is a file of its own; empty inside the console. */
export const Console = createContext('');

/** A number, or a name, that leads to what it is made of. */
export function To({ path, within, children }: { path: string; within?: boolean; children: ReactNode }) {
  const base = useContext(Console);
  // inside of a sentence colour alone does not tell a link
  const underline = within ? 'always' : 'hover';
  return base ? (
    <Anchor href={base + path} inherit underline={underline}>
      {children}
    </Anchor>
  ) : (
    <Anchor component={Link} href={path} inherit underline={underline}>
      {children}
    </Anchor>
  );
}
