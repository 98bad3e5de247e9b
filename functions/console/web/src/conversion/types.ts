import type { Api } from '../api/types';

export type { ConversionVersion } from '../api/types';
export type Statistics = Api['Statistics'];
export type Figures = Pick<Api['Day'], 'conversions' | 'value' | 'refunded' | 'qualified' | 'attributed'>;
export type Record_ = Api['Record'];
export type Explanation = Api['Explanation'];
export type History = Api['History'];
