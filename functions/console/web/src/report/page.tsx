import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';

import template from '../../generated/report.html?url';
import { get } from '../api/client';
import { useIncidents } from '../api/queries';
import { day } from '../ui/format';
import { Empty, Failed, Head, Waiting } from '../ui/parts';
import { fileOf } from './embed';
import { Report } from './report';
import type { Shown } from './types';

/** The report inside the console; it can be kept as one file. */
export function ReportPage() {
  const answer = useQuery({
    queryKey: ['report'],
    queryFn: ({ signal }) => get<Shown['report']>('/api/report', {}, signal),
  });
  const incidents = useIncidents({ state: 'open', limit: 20 });
  const report = answer.data;
  // without them the report would say that nothing waits
  const waiting = incidents.data?.incidents;
  return (
    <>
      <Head
        title="Report"
        under={report ? `${day(report.start_date)} to ${day(report.end_date)}: all conversions on one page` : undefined}
      >
        {report && waiting && <Keep shown={{ report, incidents: waiting, console: window.location.origin }} />}
      </Head>
      {answer.isError && <Failed error={answer.error} retry={() => void answer.refetch()} />}
      {incidents.isError && (
        <Failed error={incidents.error} retry={() => void incidents.refetch()} title="What waits for a person is not known" />
      )}
      {(answer.isPending || incidents.isPending) && <Waiting label="Counting" />}
      {report && report.conversions.length === 0 && (
        <Empty title="Nothing to report yet">Add a conversion; after its first run it stands here.</Empty>
      )}
      {report && waiting && report.conversions.length > 0 && <Report report={report} incidents={waiting} />}
    </>
  );
}

/** Saves what is shown as one file that opens without the console and leads back to it. */
function Keep({ shown }: { shown: Shown }) {
  const keep = useMutation({
    mutationFn: async () => {
      const answer = await fetch(template);
      const url = URL.createObjectURL(new Blob([fileOf(await answer.text(), shown)], { type: 'text/html' }));
      const link = document.createElement('a');
      link.href = url;
      link.download = `conversions-${shown.report.end_date}.html`;
      link.click();
      URL.revokeObjectURL(url);
    },
  });
  return (
    <Button variant="default" onClick={() => keep.mutate()} loading={keep.isPending}>
      Save as a file
    </Button>
  );
}
