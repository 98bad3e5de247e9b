import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

import { useMe } from '../api/queries';
import type { Me } from '../api/types';

export type Need = Exclude<keyof Me['may'], 'see_personal_data'>;

const TAKES: Record<Need, string> = { edit: 'an editor', operate: 'an operator' };

/** Why the account may not do it; empty when it may, or while that is not known. */
export function useRefusal(needs: Need): string {
  const me = useMe().data;
  if (!me || me.may[needs]) return '';
  return `You are a ${me.role} here; this takes ${TAKES[needs]}. Ask whoever runs the product.`;
}

type Props = ButtonProps & {
  needs: Need;
  href?: string;
  onClick?: () => void;
  children: ReactNode;
};

/** A button for those who may; for others it is there, and says why it does nothing. */
export function Act({ needs, href, onClick, ...rest }: Props) {
  const refusal = useRefusal(needs);
  if (href && !refusal) return <Button {...rest} component={Link} href={href} />;
  // the same element before and after it is known who asks: one that has the focus keeps it
  return (
    <Tooltip label={refusal} disabled={!refusal} multiline maw={280}>
      <Button
        {...rest}
        {...(refusal ? { 'data-disabled': true, 'aria-disabled': true, onClick: (event) => event.preventDefault() } : { onClick })}
      />
    </Tooltip>
  );
}
