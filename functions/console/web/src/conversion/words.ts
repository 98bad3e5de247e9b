/** What happened to a row, and why, in words. */
export const CHANGES: Record<string, string> = { insert: 'Came in', update: 'Changed', delete: 'Was taken out' };

export const CAUSES: Record<string, string> = {
  new: 'newly recorded',
  late_data: 'data came late',
  refund: 'a refund',
  crm_change: 'the CRM changed',
  definition_change: 'the conversion was edited',
  rescored: 'scored anew',
  normalization: 'a newer factor of normalization',
  backfill: 'computed again by a backfill',
};
