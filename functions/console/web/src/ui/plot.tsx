import { barY, dot, line, plot, ruleX, ruleY, text, type PlotOptions } from '@observablehq/plot';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';

const marks = { barY, dot, line, ruleX, ruleY, text };
export type Marks = typeof marks;
export type Draw = (marks: Marks) => (width: number) => PlotOptions;

/** A chart as an SVG that follows the width of its place and the colours of the scheme. */
export default function Chart({ label, height = 240, draw }: { label: string; height?: number; draw: Draw }) {
  const { ref, width } = useElementSize<HTMLElement>();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current || !width) return;
    // a fixed class name keeps the style that Plot writes to one text, which the policy allows
    const chart = plot({ className: 'plot', width, height, ...draw(marks)(width) });
    chart.setAttribute('role', 'img');
    chart.setAttribute('aria-label', label);
    for (const part of chart.querySelectorAll('g[aria-label]')) part.removeAttribute('aria-label');
    host.current.replaceChildren(chart);
  }, [label, height, draw, width]);
  return (
    <figure className="plot-figure" ref={ref} style={{ minHeight: height }}>
      <div ref={host} />
    </figure>
  );
}
