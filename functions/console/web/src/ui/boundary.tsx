import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';

import { Empty } from './parts';

interface Props {
  /** Where one is; at another place it is tried again. */
  at: string;
  children: ReactNode;
}

/** Stands in for a screen that could not be fetched or drawn, so that no page is ever blank. */
export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidUpdate(before: Props) {
    if (this.state.failed && before.at !== this.props.at) this.setState({ failed: false });
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div role="alert">
        <Empty title="This screen could not be shown" action={<Button onClick={() => window.location.reload()}>Load it anew</Button>}>
          Either a part of it could not be fetched, as after an update of the product or without a network, or the
          service said something that this page does not know. What you typed in a form of a conversion is kept.
        </Empty>
      </div>
    );
  }
}
