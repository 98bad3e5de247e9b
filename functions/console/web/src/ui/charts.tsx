import { Group, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';

import { day, money } from './format';
import { Waiting } from './parts';
import type { Draw } from './plot';

const Chart = lazy(() => import('./plot'));

interface Shared {
  label: string;
  height?: number;
}

interface Dated {
  date: string;
  value: number;
}

/** Bars by day, oldest first, with a dot where a figure is known from elsewhere. */
export function Days(props: Shared & { days: Dated[]; unit: string; known?: Dated[] }) {
  const every = Math.max(1, Math.ceil(props.days.length / 8));
  return (
    <Loaded {...props}>
      {(plot) => (width) => ({
        marginLeft: 56,
        x: {
          type: 'band',
          label: null,
          domain: props.days.map(({ date }) => date),
          ticks: props.days.map(({ date }) => date).filter((_, index) => index % (width < 500 ? every * 2 : every) === 0),
          tickFormat: (date: string) => day(date),
          tickSize: 0,
        },
        y: { label: props.unit, grid: true, nice: true, tickFormat: (value: number) => money(value) },
        marks: [
          plot.barY(props.days, {
            x: 'date',
            y: 'value',
            fill: 'var(--series-1)',
            title: (one: { date: string; value: number }) => `${day(one.date)}: ${money(one.value)} ${props.unit}`,
          }),
          ...(props.known ? [plot.dot(props.known, { x: 'date', y: 'value', r: 3.5, fill: 'var(--series-2)' })] : []),
          plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.4 }),
        ],
      })}
    </Loaded>
  );
}

/** Bars in order, each of parts that lie upon one another, with the parts' names above. */
export function Bars(
  props: Shared & { bars: { at: string; name: string; value: number }[]; names: string[]; x: string; y: string },
) {
  const colours = props.names.map((_, index) => `var(--series-${index + 1})`);
  const places = [...new Set(props.bars.map(({ at }) => at))];
  return (
    <>
      <Group gap="md">
        {props.names.map((name, index) => (
          <Text size="xs" key={name}>
            <span className="swatch" style={{ background: colours[index] }} /> {name}
          </Text>
        ))}
      </Group>
      <Loaded {...props}>
        {(plot) => () => ({
          marginLeft: 56,
          x: { type: 'band', label: props.x, tickSize: 0, domain: places },
          y: { label: props.y, grid: true, nice: true },
          color: { domain: props.names, range: colours, legend: false },
          marks: [
            plot.barY(props.bars, { x: 'at', y: 'value', fill: 'name', order: props.names }),
            plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.4 }),
          ],
        })}
      </Loaded>
    </>
  );
}

/** Where a line bears its name: each elsewhere, so that names do not lie on one another. */
function labelled(points: { x: number; y: number }[], index: number): { x: number; y: number }[] {
  const [first, last] = [points[0], points.at(-1)];
  if (points.length === 2 && first && last) return [{ x: first.x + (last.x - first.x) * 0.7, y: first.y + (last.y - first.y) * 0.7 }];
  return points.slice(Math.floor(points.length * (0.6 - 0.3 * index)), undefined).slice(0, 1);
}

/** Lines over a number, each with its name beside it. */
export function Lines(
  props: Shared & {
    lines: { name: string; points: { x: number; y: number }[]; dashed?: boolean; dots?: boolean }[];
    x: string;
    y: string;
    percent?: boolean;
    mark?: number;
  },
) {
  const format = props.percent ? (value: number) => `${Math.round(value * 100)}%` : (value: number) => money(value);
  return (
    <Loaded {...props}>
      {(plot) => () => ({
        marginLeft: 56,
        marginRight: 32,
        x: { label: props.x, tickFormat: format, nice: true },
        y: { label: props.y, grid: true, tickFormat: format, nice: true },
        marks: [
          ...(props.mark === undefined ? [] : [plot.ruleX([props.mark], { stroke: 'currentColor', strokeDasharray: '2 3' })]),
          ...props.lines.flatMap((line, index) => {
            const stroke = line.dashed ? 'currentColor' : `var(--series-${index + 1})`;
            const named = labelled(line.points, index);
            return [
              plot.line(line.points, {
                x: 'x',
                y: 'y',
                stroke,
                strokeWidth: line.dashed ? 1 : 2,
                strokeOpacity: line.dashed ? 0.6 : 1,
                ...(line.dashed ? { strokeDasharray: '4 4' } : {}),
              }),
              ...(line.dots ? [plot.dot(line.points, { x: 'x', y: 'y', r: 3, fill: stroke })] : []),
              plot.text(named, {
                x: 'x',
                y: 'y',
                text: () => line.name,
                // the second line's name stands above it, those of the others below
                ...(index === 1 && !line.dashed
                  ? { textAnchor: 'end', dx: -8, dy: -6 }
                  : { textAnchor: 'start', dx: 8, dy: 10 }),
                fill: 'currentColor',
              }),
            ];
          }),
        ],
      })}
    </Loaded>
  );
}

function Loaded(props: Shared & { children: Draw }) {
  const height = props.height ?? 240;
  return (
    <Suspense fallback={<Waiting rows={1} height={height} label="Drawing" />}>
      <Chart label={props.label} height={height} draw={props.children} />
    </Suspense>
  );
}
