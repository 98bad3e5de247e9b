import { Alert, Anchor, Group, Select, Slider, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';

import { get, Problem } from '../api/client';
import { useAllConversions } from '../api/queries';
import { Act } from '../ui/act';
import { Lines } from '../ui/charts';
import { count, day, decimal, money, percent, plural } from '../ui/format';
import { Ago, Coming, Empty, Failed, Figure, Head, More, Waiting } from '../ui/parts';
import { Lead } from './lead';
import type { Interval, LeadPage, Model, Thresholds, WhatIf } from './types';

/** A warning of the card, which begins with its code, as a sentence. */
function inWords(warning: string): string {
  const text = warning.replace(/^\w+: /, '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

/** How well leads are told apart, what the threshold does, and what was promised against what came. */
export function Scoring() {
  const { id } = useParams<{ id?: string }>();
  const [, navigate] = useLocation();
  const list = useAllConversions('lead_scoring');
  const rows = list.data?.conversions ?? [];
  const chosen = id ?? rows[0]?.id;
  return (
    <>
      <Head title="Lead scoring" under="Which leads are worth it, and whether the model keeps its promises.">
        {rows.length > 1 && (
          <Select
            aria-label="Conversion"
            data={rows.map((row) => ({ value: row.id, label: row.name }))}
            value={chosen ?? null}
            onChange={(next) => next && navigate(`/scoring/${next}`)}
            allowDeselect={false}
          />
        )}
      </Head>
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Waiting label="Loading" />}
      {list.data && !chosen && (
        <Empty
          title="No lead scoring yet"
          action={
            <Act needs="edit" href="/new/scoring">
              + Add lead scoring
            </Act>
          }
        >
          It learns from your CRM which leads become deals, and makes conversions of those that are worth it.
        </Empty>
      )}
      {chosen && <OneModel key={chosen} id={chosen} />}
    </>
  );
}

function OneModel({ id }: { id: string }) {
  const model = useQuery({
    queryKey: ['model', id],
    queryFn: ({ signal }) => get<Model>(`/api/scores/${id}`, {}, signal),
    retry: false,
  });
  if (model.error instanceof Problem && model.error.status === 404) {
    return (
      <Empty title="No model yet">
        {model.error.message} {model.error.fix}
      </Empty>
    );
  }
  if (!model.data) return <Coming of={model} label="Loading the model" />;
  return (
    <Stack gap="xl">
      <Card model={model.data} />
      {model.data.card.promise && <Outlook model={model.data} />}
      <Tried model={model.data} />
      <Curves model={model.data} />
      <Promised model={model.data} />
      <Leads id={id} />
    </Stack>
  );
}

/** The card in plain words. */
function Card({ model }: { model: Model }) {
  const { card } = model;
  const { data, quality } = card;
  return (
    <section>
      <Title order={2} mb="xs">
        The model in plain words
      </Title>
      <Stack gap="xs" maw={760}>
        {data && (
          <Text size="sm">
            It learnt from {count(data.leads)} leads of {Math.round(data.days)} days, {count(data.won)} of which were won
            {data.window_days ? ` within ${Math.round(data.window_days)} days` : ''}; {plural(data.open, 'lead')} had no outcome yet.
            {card.window?.in_words ? ` ${card.window.in_words}` : ''}
          </Text>
        )}
        {quality?.forward && (
          <Text size="sm">
            On {count(quality.forward.leads)} leads that it had not seen, the best tenth was won{' '}
            {decimal(quality.forward.lift_top_10)} times as often as the average
            {quality.money?.predicted_to_actual != null &&
              `, and it promised ${percent(quality.money.predicted_to_actual)} of the money that came`}
            .
          </Text>
        )}
        {quality?.lack_of_skill && <Alert color="orange" variant="light" title={quality.lack_of_skill} />}
        {card.threshold?.reason && <Text size="sm">Threshold: {card.threshold.reason}.</Text>}
        {(card.model?.top_attributes?.length ?? 0) > 0 && (
          <Text size="sm">
            It looks most at {card.model?.top_attributes?.slice(0, 5).map(({ attribute }) => attribute).join(', ')}.
          </Text>
        )}
        {card.warnings?.map((warning) => (
          <Alert key={warning} color="orange" variant="light" p="xs">
            <Text size="sm">{inWords(warning)}</Text>
          </Alert>
        ))}
        <Text size="xs" c="dimmed">
          Model {model.model_id}, trained <Ago time={model.trained_at} />
        </Text>
      </Stack>
    </section>
  );
}

/** What is promised now, the interval that four cases of five fall into, and how the level is set. */
function Outlook({ model }: { model: Model }) {
  const { promise, model: parts } = model.card;
  if (!promise) return null;
  const level = parts?.level;
  return (
    <section>
      <Title order={2} mb="xs">
        Promised of the newest leads
      </Title>
      <Stack gap="xs" maw={760}>
        <Group gap="xl" align="flex-start">
          <Figure name="Wins" note={`in four cases of five ${between(promise.wins_interval_80.map(Math.round) as Interval)}`}>
            {count(promise.wins)}
          </Figure>
          {promise.value > 0 && (
            <Figure name="Money" note={`in four cases of five ${between(promise.value_interval_80)}`}>
              {money(promise.value)}
            </Figure>
          )}
          {level && (
            <Figure name="Level" note="moves every score">
              × {decimal(level.factor)}
            </Figure>
          )}
        </Group>
        {level && (
          <Text size="sm" title={level.note}>
            {level.choice === 'none'
              ? 'No correction of the level: rates of winning do not seem to move.'
              : `The level is corrected (${level.choice}): rates of winning seem to move.`}
          </Text>
        )}
        {(level?.replays?.length ?? 0) > 0 && (
          <details>
            <summary>What it would have promised before, and what came</summary>
            <Table aria-label="Promised at earlier times" maw={420}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Before</Table.Th>
                  <Table.Th className="number">Promised</Table.Th>
                  <Table.Th className="number">Came</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {level?.replays?.map((one) => (
                  <Table.Tr key={one.days_ago}>
                    <Table.Td>{plural(one.days_ago, 'day')}</Table.Td>
                    <Table.Td className="number">{decimal(one.promised)}</Table.Td>
                    <Table.Td className="number">{count(one.came)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </details>
        )}
      </Stack>
    </section>
  );
}

const between = ([low, high]: Interval): string => `${money(low)} to ${money(high)}`;

const TRIED_DAYS = 365;

/** Thresholds tried on leads that were scored before their outcome was known; else on the model's own history. */
function Tried({ model }: { model: Model }) {
  const tried = useQuery({
    queryKey: ['thresholds', model.conversion],
    queryFn: ({ signal }) => {
      // the API ends with yesterday in the project's time zone
      const days = { start_date: new Date(Date.now() - TRIED_DAYS * 86_400_000).toISOString().slice(0, 10) };
      return get<Thresholds>(`/api/scores/${model.conversion}/thresholds`, days, signal);
    },
    retry: false,
  });
  if (tried.isError) return <Failed error={tried.error} retry={() => void tried.refetch()} />;
  if (!tried.data) return <Waiting rows={2} label="Trying thresholds" />;
  if (tried.data.wins > 0) return <Sent tried={tried.data} model={model} />;
  return (model.card.what_if?.length ?? 0) > 1 ? <Threshold model={model} /> : null;
}

/** What another threshold would have sent, and what came of it. */
function Sent({ tried, model }: { tried: Thresholds; model: Model }) {
  const cut = model.card.threshold?.measure === 'probability' ? (model.card.threshold.cut ?? 0) : 0;
  const start = tried.points.reduce((best, point, index) => (point.threshold <= cut ? index : best), 0);
  const [at, setAt] = useState(start);
  const point = tried.points[at];
  if (!point) return null;
  return (
    <section>
      <Title order={2}>Threshold</Title>
      <Text size="sm" c="dimmed" mb="sm">
        What would have been sent of {plural(tried.leads, 'lead')} since {day(tried.start_date)}, each judged by the first
        score that it got; {count(tried.wins)} of them were won. Moving it changes nothing; the form of the conversion does.
      </Text>
      <Slider
        maw={640}
        mb="md"
        min={0}
        max={tried.points.length - 1}
        step={1}
        value={at}
        onChange={setAt}
        label={(index) => percent(tried.points[index]?.threshold)}
        thumbLabel="Threshold"
      />
      <Group gap="xl" aria-live="polite">
        <Figure name="Probability of at least">{percent(point.threshold)}</Figure>
        <Figure name="Sent">{count(point.leads)}</Figure>
        <Figure name="Won of those sent">{percent(point.precision)}</Figure>
        <Figure name="Of all wins">{percent(point.recall)}</Figure>
        <Figure name="Expected of them">{money(point.expected_value)}</Figure>
      </Group>
      {at !== start && (
        <Anchor component={Link} href={`/conversions/${model.conversion}/edit`} size="sm">
          Set it in the form
        </Anchor>
      )}
    </section>
  );
}

/** What another threshold would have done on the history that the model was tried on. */
function Threshold({ model }: { model: Model }) {
  const points = [...(model.card.what_if ?? [])].sort((a, b) => a.cut - b.cut);
  const cut = model.card.threshold?.cut ?? points[0]?.cut ?? 0;
  const nearest = points.reduce((best, point, index) => (Math.abs(point.cut - cut) < Math.abs((points[best]?.cut ?? 0) - cut) ? index : best), 0);
  const [at, setAt] = useState(nearest);
  const point = points[at];
  if (!point) return null;
  const isMoney = model.card.threshold?.measure === 'value' || point.cut > 1;
  return (
    <section>
      <Title order={2}>Threshold</Title>
      <Text size="sm" c="dimmed" mb="sm">
        Move it to see what would have been sent on history. It changes nothing; the form of the conversion does.
      </Text>
      <Slider
        maw={640}
        mb="md"
        min={0}
        max={points.length - 1}
        step={1}
        value={at}
        onChange={setAt}
        label={(index) => shownCut(points[index], isMoney)}
        thumbLabel="Threshold"
      />
      <Group gap="xl">
        <Figure name="Threshold">{shownCut(point, isMoney)}</Figure>
        <Figure name="Leads a month">{count(point.leads_per_30_days)}</Figure>
        <Figure name="Of all leads">{percent(point.share)}</Figure>
        <Figure name="Won of those sent">{percent(point.precision)}</Figure>
        <Figure name="Of all wins">{percent(point.recall)}</Figure>
        <Figure name="Of the money">{percent(point.value_share)}</Figure>
      </Group>
      {at !== nearest && (
        <Anchor component={Link} href={`/conversions/${model.conversion}/edit`} size="sm">
          Set it in the form
        </Anchor>
      )}
    </section>
  );
}

const shownCut = (point: WhatIf | undefined, isMoney: boolean): string =>
  point ? (isMoney ? money(point.cut) : percent(point.cut)) : '';

function Curves({ model }: { model: Model }) {
  const gain = [...(model.card.what_if ?? [])].sort((a, b) => a.share - b.share);
  const reliability = model.card.quality?.reliability ?? [];
  if (gain.length < 2 && reliability.length < 2) return null;
  const most = Math.max(...reliability.flatMap((one) => [one.actual, one.predicted]), 0.1);
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 380px), 1fr))', gap: 32 }}>
      {gain.length > 1 && (
        <section>
          <Title order={2}>Gain</Title>
          <Text size="sm" c="dimmed">
            Of the best leads first: how much of wins and money they hold.
          </Text>
          <Lines
            label="Share of wins and of money against the share of leads, best leads first"
            x="Share of leads"
            y="Share found"
            percent
            lines={[
              { name: 'wins', points: [{ x: 0, y: 0 }, ...gain.map((one) => ({ x: one.share, y: one.recall }))] },
              { name: 'money', points: [{ x: 0, y: 0 }, ...gain.map((one) => ({ x: one.share, y: one.value_share }))] },
              { name: 'by chance', dashed: true, points: [{ x: 0, y: 0 }, { x: 1, y: 1 }] },
            ]}
          />
        </section>
      )}
      {reliability.length > 1 && (
        <section>
          <Title order={2}>Calibration</Title>
          <Text size="sm" c="dimmed">
            Leads in tenths: how many were promised, how many were won.
          </Text>
          <Lines
            label="Share won against the share promised, by tenths of leads"
            x="Promised"
            y="Won"
            percent
            lines={[
              { name: 'leads', dots: true, points: reliability.map((one) => ({ x: one.predicted, y: one.actual })) },
              { name: 'exact', dashed: true, points: [{ x: 0, y: 0 }, { x: most, y: most }] },
            ]}
          />
        </section>
      )}
    </div>
  );
}

function Promised({ model }: { model: Model }) {
  return (
    <section>
      <Title order={2} mb="xs">
        Promised, and what came
      </Title>
      {model.calibration.length === 0 ? (
        <Text size="sm" c="dimmed">
          No week of leads has had its whole window yet.
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={0}>
          <Table aria-label="Promised and what came">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Leads since</Table.Th>
                <Table.Th className="number">Leads</Table.Th>
                <Table.Th className="number">Wins promised</Table.Th>
                <Table.Th className="number">Came</Table.Th>
                <Table.Th className="number wide-only">Money promised</Table.Th>
                <Table.Th className="number wide-only">Came</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {model.calibration.map((one) => (
                <Table.Tr key={one.date}>
                  <Table.Td>
                    {day(one.date)}
                    {one.complaint && (
                      <Text size="xs" c="var(--mantine-color-error)">
                        {one.complaint}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td className="number">{count(one.leads)}</Table.Td>
                  <Table.Td className="number">
                    {decimal(one.predicted_wins)}
                    {one.wins_margin != null && ` ± ${decimal(one.wins_margin)}`}
                  </Table.Td>
                  <Table.Td className="number">{count(one.actual_wins)}</Table.Td>
                  <Table.Td className="number wide-only">{money(one.predicted_value)}</Table.Td>
                  <Table.Td className="number wide-only">{money(one.actual_value)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  );
}

/** The scored leads with their reasons. */
function Leads({ id }: { id: string }) {
  const [search, setSearch] = useState('');
  const [open, setOpen] = useState<string | null>(null);
  const [wanted] = useDebouncedValue(search.trim(), 300);
  const leads = useInfiniteQuery({
    queryKey: ['leads', id, wanted],
    queryFn: ({ pageParam, signal }) => get<LeadPage>(`/api/scores/${id}/leads`, { id: wanted, limit: 25, page: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page || undefined,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const all = leads.data?.pages.flatMap((page) => page.leads) ?? [];
  return (
    <section>
      <Title order={2} mb="xs">
        Leads
      </Title>
      <TextInput
        aria-label="Search leads"
        placeholder="Id of a lead"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        maw={320}
        mb="sm"
      />
      {leads.isError && <Failed error={leads.error} retry={() => void leads.refetch()} />}
      {leads.isPending && <Waiting rows={4} label="Loading the leads" />}
      {leads.data && all.length === 0 && <Empty title="No lead">None fits, or none has been scored yet.</Empty>}
      {all.length > 0 && (
        <Table.ScrollContainer minWidth={0}>
          <Table highlightOnHover aria-label="Leads">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Lead</Table.Th>
                <Table.Th className="number">Probability</Table.Th>
                <Table.Th className="number">Expected value</Table.Th>
                <Table.Th className="wide-only">Qualified</Table.Th>
                <Table.Th className="wide-only">Came</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {all.map((lead) => (
                <Table.Tr key={lead.id}>
                  <Table.Td>
                    <Anchor component="button" type="button" size="sm" onClick={() => setOpen(lead.id)}>
                      {lead.id}
                    </Anchor>
                  </Table.Td>
                  <Table.Td className="number">{percent(lead.probability)}</Table.Td>
                  <Table.Td className="number">{money(lead.expected_value)}</Table.Td>
                  <Table.Td className="wide-only">{lead.is_qualified ? '✓ yes' : '– no'}</Table.Td>
                  <Table.Td className="wide-only">
                    <Ago time={lead.created} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {leads.hasNextPage && (
        <More shown={all.length} next={() => void leads.fetchNextPage()} loading={leads.isFetchingNextPage} />
      )}
      <Lead conversion={id} lead={open} close={() => setOpen(null)} />
    </section>
  );
}
