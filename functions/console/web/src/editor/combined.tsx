import type { Combined } from '../api/definitions';
import { NumberField, Revealing, useForm } from './form';
import { ConversionsSelect } from './references';
import { Section } from './section';

/** Two or more conversions counted as one. */
export function CombinedForm() {
  const { draft, set } = useForm<Combined>();
  return (
    <>
      <Section title="Conversions" about="Each time one of these happens, this one happens too.">
        <ConversionsSelect
          path="conversions"
          value={draft.conversions}
          without={[draft.id]}
          change={(conversions) => set({ conversions })}
        />
      </Section>
      <Section title="Conversions deduplication">
        <Revealing
          path="deduplication_days"
          label="Deduplicate conversions by Google Client ID"
          description="One conversion of a client id silences the next for some days."
          on={draft.deduplication_days !== null}
          change={(on) => set({ deduplication_days: on ? 30 : null })}
        >
          <NumberField
            path="deduplication_days"
            value={draft.deduplication_days}
            change={(deduplication_days) => set({ deduplication_days })}
          />
        </Revealing>
      </Section>
    </>
  );
}
